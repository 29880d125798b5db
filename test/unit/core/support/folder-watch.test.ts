import * as assert from 'node:assert/strict';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import * as path from 'node:path';
import { FolderWatch, watchPath } from '../../../../src/core/support/folder-watch';
import { eventually, temporaryFolder } from '../../../support/temporary';

describe('watching files without a free watcher of the system', () => {
  const folder = temporaryFolder();
  const { watch } = fs;
  const file = (): string => path.join(folder.path, 'journal.jsonl');
  beforeEach(() => {
    fs.watch = () => {
      throw Object.assign(new Error('EMFILE: too many open files, watch'), { code: 'EMFILE', syscall: 'watch' });
    };
    syncBuiltinESMExports();
    fs.writeFileSync(file(), 'one\n');
  });
  afterEach(() => {
    fs.watch = watch;
    syncBuiltinESMExports();
  });

  it('reports a file that grew in a folder', async () => {
    let changes = 0;
    const watched = watchPath(folder.path, () => changes++, 5);
    fs.appendFileSync(file(), 'two\n');
    await eventually('the change is reported', () => changes === 1);
    watched.close();
  });

  it('reports a file that grew', async () => {
    let changes = 0;
    const watched = watchPath(file(), () => changes++, 5);
    fs.appendFileSync(file(), 'two\n');
    await eventually('the change is reported', () => changes === 1);
    watched.close();
  });

  it('reports new files to a folder watch', async () => {
    let changes = 0;
    const watched = new FolderWatch(() => changes++);
    watched.folders([folder.path]);
    fs.writeFileSync(path.join(folder.path, 'another'), '');
    await eventually('the change is reported', () => changes === 1);
    watched.dispose();
    assert.equal(changes, 1);
  });
});
