import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { RepositoryHome } from '../../../../src/core/support/home';
import { claimCommit } from '../../../../src/core/history/commit-watch';
import { temporaryFolder } from '../../../support/temporary';

describe('the claim on a commit', () => {
  const folder = temporaryFolder();
  const home = (): RepositoryHome => new RepositoryHome(path.join(folder.path, 'home'), path.join(folder.path, '.git'));

  it('succeeds once for each service', () => {
    assert.deepEqual([claimCommit(home(), 'shop', 'a'), claimCommit(home(), 'shop', 'a')], [true, false]);
    assert.equal(claimCommit(home(), 'cart', 'a'), true);
    assert.equal(claimCommit(home(), 'shop', 'b'), true);
    assert.equal(claimCommit(home(), '../shop', 'b'), true);
  });

  it('expires after a week', () => {
    claimCommit(home(), 'shop', 'old');
    const long = (Date.now() - 8 * 86_400_000) / 1000;
    fs.utimesSync(path.join(home().claims, 'shop-old'), long, long);
    claimCommit(home(), 'shop', 'new');
    assert.deepEqual(fs.readdirSync(home().claims), ['shop-new']);
  });
});
