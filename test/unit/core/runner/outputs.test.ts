import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { restoredOutputs, sameOutputs } from '../../../../src/core/runner/cache';
import { removeOutputs } from '../../../../src/core/runner/outputs';
import { listFiles } from '../../../../src/core/support/globs';
import { temporaryFolder } from '../../../support/temporary';

describe('the outputs of a step', () => {
  const folder = temporaryFolder();
  const put = (name: string, text = name): void => {
    fs.mkdirSync(path.dirname(path.join(folder.path, name)), { recursive: true });
    fs.writeFileSync(path.join(folder.path, name), text);
  };
  const names = (...globs: string[]): string[] => listFiles(folder.path, globs).map((file) => file.path);

  it('are the files that the globs name, in a steady order', () => {
    for (const name of ['dist/b.js', 'dist/a.js', 'dist/.hidden/x', 'src/a.ts', 'top.txt']) put(name);
    assert.deepEqual(names('dist/**'), ['dist/.hidden/x', 'dist/a.js', 'dist/b.js']);
    assert.deepEqual(names('dist', '!dist/.hidden'), ['dist/a.js', 'dist/b.js']);
    assert.deepEqual(names('top.txt', '*/a.*'), ['dist/a.js', 'src/a.ts', 'top.txt']);
    assert.deepEqual(names(), []);
    assert.deepEqual(names('missing/**'), []);
  });

  it('never hold git’s own files', () => {
    put('.git/config');
    put('a');
    assert.deepEqual(names('**'), ['a']);
    assert.deepEqual(names('.'), ['a']);
  });

  it('are links as such: nothing behind one is listed or removed', () => {
    put('outside/x');
    fs.mkdirSync(path.join(folder.path, 'dist'));
    fs.symlinkSync('../outside', path.join(folder.path, 'dist', 'link'));
    fs.symlinkSync('/nowhere', path.join(folder.path, 'dist', 'dangling'));
    assert.deepEqual(names('dist/**'), ['dist/dangling', 'dist/link']);
    removeOutputs(folder.path, ['dist/**']);
    assert.deepEqual(names('dist/**'), []);
    assert.deepEqual(names('outside/**'), ['outside/x']);
  });

  it('with names of any kind are found and removed', () => {
    const odd = ['dist/with space', 'dist/Größe/x', 'dist/line\nbreak', 'dist/[id]/y', 'dist/-x'];
    for (const name of odd) put(name);
    assert.deepEqual(names('dist').sort(), [...odd].sort());
    removeOutputs(folder.path, ['dist']);
    assert.deepEqual(names('dist'), []);
  });

  it('are removed without what the globs do not name', () => {
    for (const name of ['dist/a.js', 'dist/keep.txt', 'src/a.js']) put(name);
    removeOutputs(folder.path, ['dist/*.js']);
    assert.deepEqual(names('**'), ['dist/keep.txt', 'src/a.js']);
  });

  it('are the same only if nothing was written, added or taken since', () => {
    put('dist/a', 'one');
    put('dist/b');
    const before = listFiles(folder.path, ['dist']);
    const file = path.join(folder.path, 'dist', 'a');
    assert.ok(sameOutputs(before, listFiles(folder.path, ['dist'])));

    const { atime, mtime } = fs.statSync(file);
    put('dist/a', 'two');
    fs.utimesSync(file, atime, new Date(mtime.getTime() + 5));
    assert.ok(!sameOutputs(before, listFiles(folder.path, ['dist'])), 'written');
    const now = listFiles(folder.path, ['dist']);
    put('dist/c');
    assert.ok(!sameOutputs(now, listFiles(folder.path, ['dist'])), 'added');
    fs.rmSync(path.join(folder.path, 'dist', 'c'));
    assert.ok(sameOutputs(now, listFiles(folder.path, ['dist'])));
    fs.rmSync(file);
    assert.ok(!sameOutputs(now, listFiles(folder.path, ['dist'])), 'taken');
  });

  it('are as an archive keeps them when only parts of a second differ', () => {
    const kept = [{ path: 'a', size: 1, mtimeMs: 1_000.25 }];
    assert.ok(restoredOutputs(kept, [{ path: 'a', size: 1, mtimeMs: 1_000 }]));
    assert.ok(!restoredOutputs(kept, [{ path: 'a', size: 1, mtimeMs: 2_000 }]));
    assert.ok(!restoredOutputs(kept, [{ path: 'a', size: 2, mtimeMs: 1_000 }]));
    assert.ok(!restoredOutputs(kept, []));
  });
});
