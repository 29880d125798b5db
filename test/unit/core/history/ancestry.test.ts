import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { commitDates, containsCommit } from '../../../../src/core/history/ancestry';
import { Delivery, git } from '../../../support/delivery';
import { Project } from '../../../support/project';
import { temporaryFolder } from '../../../support/temporary';

describe('the history of a deployment', () => {
  const folder = temporaryFolder();
  let shop: Project;
  beforeEach(() => {
    shop = new Project(folder.path);
  });

  /** Commits at this time, in any time zone. */
  const commit = (file: string, date: string): string => {
    fs.mkdirSync(path.dirname(path.join(shop.root, file)), { recursive: true });
    fs.writeFileSync(path.join(shop.root, file), date);
    git(shop.root, 'add', '-A');
    const env = { ...process.env, GIT_AUTHOR_DATE: '2020-01-01T00:00:00Z', GIT_COMMITTER_DATE: date };
    execFileSync('git', ['commit', '-q', '-m', date], { cwd: shop.root, env });
    return git(shop.root, 'rev-parse', 'HEAD');
  };
  const datesOf = async (from: string, to: string, service = ''): Promise<string[] | undefined> => {
    const { repository, home } = await Delivery.from(shop.root, shop.home);
    const dates = await commitDates(repository, home, { from, to, folder: service });
    return dates?.map((date) => new Date(date).toISOString().slice(0, 16));
  };

  it('has the date of every change, including those of merged branches but not the merge', async () => {
    const first = commit('one', '2026-11-01T10:00:00Z');
    git(shop.root, 'checkout', '-q', '-b', 'branch');
    commit('two', '2026-11-02T12:00:00+02:00');
    git(shop.root, 'checkout', '-q', 'main');
    commit('three', '2026-11-03T05:00:00-05:00');
    git(shop.root, 'merge', '-q', '--no-ff', '-m', 'Merge', 'branch');
    const merged = git(shop.root, 'rev-parse', 'HEAD');
    assert.deepEqual((await datesOf(first, merged))?.sort(), ['2026-11-02T10:00', '2026-11-03T10:00']);
    assert.deepEqual(await datesOf(merged, first), []);
  });

  it('has only changes in the folder of the service', async () => {
    const first = commit('shop/one', '2026-11-01T10:00:00Z');
    commit('inventory/two', '2026-11-02T10:00:00Z');
    const last = commit('shop/three', '2026-11-03T10:00:00Z');
    assert.deepEqual(await datesOf(first, last, 'shop'), ['2026-11-03T10:00']);
  });

  it('is unknown if the repository lacks a commit', async () => {
    const first = commit('one', '2026-11-01T10:00:00Z');
    assert.equal(await datesOf(first, 'f'.repeat(40)), undefined);
    assert.equal(await datesOf('f'.repeat(40), first), undefined);
  });

  it('contains its ancestors and itself', async () => {
    const first = commit('one', '2026-11-01T10:00:00Z');
    const last = commit('two', '2026-11-02T10:00:00Z');
    const { repository, home } = await Delivery.from(shop.root, shop.home);
    const answers = [
      [last, first],
      [first, first],
      [first, last],
      [last, 'f'.repeat(40)],
    ].map(async ([one = '', earlier = '']) => containsCommit(repository, home, one, earlier));
    assert.deepEqual(await Promise.all(answers), [true, true, false, undefined]);
  });
});
