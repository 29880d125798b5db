import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { restoredOutputs, sameOutputs } from '../../../../src/core/runner/cache';
import {
  haveRealFolders,
  linkOutside,
  listOutputs,
  removeOutputs,
  undeclaredFiles,
  unmatchedGlobs,
} from '../../../../src/core/runner/outputs';
import { listFiles } from '../../../../src/core/support/globs';
import { eventually, temporaryFolder } from '../../../support/temporary';

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

  it('include empty folders, but no other folder', () => {
    put('dist/a.js');
    for (const name of ['dist/logs', 'dist/deep/empty', 'other']) fs.mkdirSync(path.join(folder.path, name), { recursive: true });
    assert.deepEqual(
      listOutputs(folder.path, ['dist/**']).map((file) => file.path),
      ['dist/a.js', 'dist/deep/empty/', 'dist/logs/'],
    );
  });

  it('are removed with the folders that become empty, except those that are kept', () => {
    for (const name of ['dist/a/x', 'dist/b/y', 'dist/tracked']) put(name);
    fs.mkdirSync(path.join(folder.path, 'dist/empty'));
    removeOutputs(folder.path, ['dist/**'], (name) => name === 'dist/tracked');
    assert.deepEqual(fs.readdirSync(path.join(folder.path, 'dist')), ['tracked']);
    removeOutputs(folder.path, ['dist/**']);
    assert.ok(!fs.existsSync(path.join(folder.path, 'dist')));
  });

  it('are removed from read-only folders', function () {
    if (process.platform === 'win32') this.skip();
    put('dist/mod/x');
    fs.chmodSync(path.join(folder.path, 'dist/mod'), 0o500);
    removeOutputs(folder.path, ['dist/**']);
    assert.deepEqual(names('**'), []);
  });

  describe('below a symbolic link', () => {
    const linkIn = (checkout: string, target: string, name: string, ...globs: string[]): string | undefined => {
      fs.mkdirSync(path.join(folder.path, checkout, 'inside'), { recursive: true });
      fs.mkdirSync(path.join(folder.path, 'outside', 'b'), { recursive: true });
      fs.symlinkSync(target, path.join(folder.path, checkout, name));
      return linkOutside(path.join(folder.path, checkout), path.join(folder.path, checkout), globs);
    };

    it('are refused if the link leads out of the checkout', () => {
      assert.equal(linkIn('1', '../outside', 'out', 'out/b/**'), 'out');
      assert.equal(linkIn('2', path.join(folder.path, 'outside'), 'out', 'out/**'), 'out');
      assert.equal(linkIn('3', '/nowhere/yet', 'out', 'src/**', 'out/b'), 'out');
      assert.equal(linkIn('4', '../4-beside', 'out', 'out/b'), 'out');
    });

    it('are accepted if the link stays inside, or is the output itself', () => {
      assert.equal(linkIn('1', 'inside', 'in', 'in/b/**'), undefined);
      assert.equal(linkIn('2', '../outside', 'out', 'out'), undefined);
      assert.equal(linkIn('3', '../outside', 'out', 'dist/**'), undefined);
    });

    it('are not restored through the link', () => {
      put('dist/a');
      fs.symlinkSync('..', path.join(folder.path, 'dist/up'));
      const listed = (name: string) => [{ path: name, size: 1, mtimeMs: 1 }];
      assert.ok(haveRealFolders(folder.path, listed('dist/a')));
      assert.ok(!haveRealFolders(folder.path, listed('dist/up/b')));
    });
  });

  it('that match nothing are named', () => {
    assert.deepEqual(unmatchedGlobs(['dist/**', 'bild/**'], ['dist/a']), ['bild/**']);
    assert.deepEqual(unmatchedGlobs(['dist/**', '!dist/**'], ['dist/a']), ['dist/**']);
    assert.deepEqual(unmatchedGlobs(['!dist/**'], ['src/a']), ['!dist/**']);
    assert.deepEqual(unmatchedGlobs([], []), []);
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

describe('the files that a step creates without declaring them', () => {
  const folder = temporaryFolder();

  it('are found by the time of their last change, except the caches of tools', async () => {
    const put = (name: string, text = name): void => {
      fs.mkdirSync(path.dirname(path.join(folder.path, name)), { recursive: true });
      fs.writeFileSync(path.join(folder.path, name), text);
    };
    execFileSync('git', ['init', '-q'], { cwd: folder.path });
    put('.gitignore', 'dist\nnode_modules\ngen\n.cache\nold\n');
    for (const name of ['dist/a.js', 'old/x', 'node_modules/old/index.js']) put(name);
    const marker = path.join(folder.path, '.git', 'marker');
    await eventually('the clock of the file system goes on', () => {
      fs.writeFileSync(marker, '');
      return fs.statSync(marker).ctimeMs > fs.statSync(path.join(folder.path, 'node_modules/old/index.js')).ctimeMs;
    });
    await eventually('the clock goes on again', () => {
      put('dist/a.js', 'rewritten');
      return fs.statSync(path.join(folder.path, 'dist/a.js')).ctimeMs > fs.statSync(marker).ctimeMs;
    });
    for (const name of ['.cache/x', '__pycache__/a.pyc', 'gen/declared', 'node_modules/.cache/x']) put(name);
    assert.deepEqual(await undeclaredFiles(folder.path, marker, (name) => name.startsWith('gen')), ['dist']);
    put('node_modules/new/index.js');
    assert.deepEqual(await undeclaredFiles(folder.path, marker, () => false), ['dist', 'gen', 'node_modules']);
  });
});
