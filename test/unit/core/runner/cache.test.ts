import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Pipeline, Step } from '../../../../src/core/model/pipeline';
import { StepCache, tidyArchives, stepKeys, type TreeFile } from '../../../../src/core/runner/cache';
import { matcher } from '../../../../src/core/support/globs';
import { temporaryFolder } from '../../../support/temporary';

describe('the key of a step', () => {
  const tree: TreeFile[] = [file('src/a.ts', '1'), file('src/deep/b.ts', '2'), file('readme.md', '3'), file('.env', '4')];

  it('is the same for the same inputs, whatever else changed', () => {
    const steps = [step('build', { inputs: ['src/**'] })];
    assert.equal(key(steps, tree), key(steps, [...tree.slice(0, 2), file('readme.md', '9')]));
  });

  it('changes with an input, its mode, its name, the command, the environment, the outputs and the folder', () => {
    const build = step('build', { inputs: ['src/**'] });
    const keys = [
      key([build], tree),
      key([build], [file('src/a.ts', 'x'), ...tree.slice(1)]),
      key([build], [{ ...file('src/a.ts', '1'), mode: '100755' }, ...tree.slice(1)]),
      key([build], [file('src/c.ts', '1'), ...tree.slice(1)]),
      key([{ ...build, run: 'other' }], tree),
      key([{ ...build, env: { A: 'b' } }], tree),
      key([{ ...build, outputs: ['dist/**'] }], tree),
      stepKeys(pipeline([build]), 'elsewhere', tree).get('build'),
    ];
    assert.equal(new Set(keys).size, keys.length);
  });

  it('changes with the key of a need, in whatever order the steps stand', () => {
    const steps = (source: string): Step[] => [
      step('test', { inputs: ['test/**'], needs: ['build'] }),
      step('build', { inputs: [source] }),
    ];
    assert.notEqual(key(steps('src/a.ts'), tree, 'test'), key(steps('readme.md'), tree, 'test'));
  });

  it('is missing where a step must run every time, and for all that needs it', () => {
    const keys = stepKeys(
      pipeline([
        step('always', {}),
        step('after', { inputs: ['**'], needs: ['always'] }),
        step('verify', { inputs: ['**'], verifies: 'staging' }),
        step('alone', { inputs: ['**'] }),
      ]),
      '',
      tree,
    );
    assert.deepEqual([...keys.keys()], ['alone']);
  });

  it('reads globs as people mean them', () => {
    const matches = (globs: string[]): string[] => tree.map((one) => one.path).filter(matcher(globs));
    assert.deepEqual(matches(['src/**']), ['src/a.ts', 'src/deep/b.ts']);
    assert.deepEqual(matches(['./src/']), ['src/a.ts', 'src/deep/b.ts']);
    assert.deepEqual(matches(['**', '!src/deep']), ['src/a.ts', 'readme.md', '.env']);
    assert.deepEqual(matches(['*.md']), ['readme.md']);
  });
});

describe('the cache of steps', () => {
  const folder = temporaryFolder();
  const globs = ['dist/**'];

  it('knows a step that passed, with its outputs untouched', async () => {
    write('slot', 'dist/a.js', 'a');
    await cache('slot').keep('build', { key: 'k1', run: 'r1', log: 'log' }, globs);
    assert.equal((await cache('slot').recall('build', 'k1', globs))?.run, 'r1');
    assert.equal(await cache('slot').recall('build', 'k2', globs), undefined);
  });

  it('puts outputs back that were removed, changed or added to, with modes and links', async () => {
    write('slot', 'dist/a.sh', 'a');
    fs.chmodSync(at('slot', 'dist/a.sh'), 0o755);
    fs.symlinkSync('a.sh', at('slot', 'dist/link'));
    write('slot', 'dist/with space\nand newline', 'b');
    await cache('slot').keep('build', { key: 'k1', run: 'r1', log: 'log' }, globs);
    write('slot', 'dist/stale.js', 'old');
    write('slot', 'dist/a.sh', 'broken');
    fs.rmSync(at('slot', 'dist/link'));
    assert.ok(await cache('slot').recall('build', 'k1', globs));
    assert.equal(fs.readFileSync(at('slot', 'dist/a.sh'), 'utf8'), 'a');
    assert.equal(fs.statSync(at('slot', 'dist/a.sh')).mode & 0o777, 0o755);
    assert.equal(fs.readlinkSync(at('slot', 'dist/link')), 'a.sh');
    assert.equal(fs.existsSync(at('slot', 'dist/stale.js')), false);
    assert.equal(fs.readFileSync(at('slot', 'dist/with space\nand newline'), 'utf8'), 'b');
  });

  it('fills another slot', async () => {
    write('slot', 'dist/a.js', 'a');
    await cache('slot').keep('build', { key: 'k1', run: 'r1', log: 'log' }, globs);
    fs.mkdirSync(at('other', ''), { recursive: true });
    assert.ok(await cache('other').recall('build', 'k1', globs));
    assert.equal(fs.readFileSync(at('other', 'dist/a.js'), 'utf8'), 'a');
  });

  it('claims nothing when the archive is damaged', async () => {
    write('slot', 'dist/a.js', 'a');
    await cache('slot').keep('build', { key: 'k1', run: 'r1', log: 'log' }, globs);
    fs.writeFileSync(path.join(folder.path, 'cache', 'k1.tar'), 'garbage');
    fs.rmSync(at('slot', 'dist'), { recursive: true });
    assert.equal(await cache('slot').recall('build', 'k1', globs), undefined);
  });

  it('claims nothing of a step that was begun again', async () => {
    fs.mkdirSync(at('slot', ''), { recursive: true });
    await cache('slot').keep('build', { key: 'k1', run: 'r1', log: 'log' }, []);
    cache('slot').forget('build');
    assert.deepEqual(fs.readdirSync(path.join(folder.path, 'slot-fingerprints')), []);
  });

  it('restores empty folders', async () => {
    write('slot', 'dist/a.js', 'a');
    fs.mkdirSync(at('slot', 'dist/logs'));
    await cache('slot').keep('build', { key: 'k1', run: 'r1', log: 'log' }, globs);
    fs.mkdirSync(at('other', ''), { recursive: true });
    assert.ok(await cache('other').recall('build', 'k1', globs));
    assert.deepEqual(fs.readdirSync(at('other', 'dist')), ['a.js', 'logs']);
  });

  it('removes the outputs of the last run before a step runs, but no delivered file', () => {
    for (const name of ['dist/stale.js', 'dist/tracked.js']) write('slot', name, name);
    cache('slot', { tracked: [{ path: 'dist/tracked.js' }] }).begin('build', globs);
    assert.deepEqual(fs.readdirSync(at('slot', 'dist')), ['tracked.js']);
  });

  it('keeps the outputs of other steps of the run in the same folder', async () => {
    const steps = [
      step('build', { outputs: globs }),
      step('bundle', { needs: ['build'], outputs: globs }),
      step('docs', { outputs: ['dist/docs/**'] }),
    ];
    const one = cache('slot', { steps });
    const passed = { run: 'r1', log: 'log' };
    for (const name of ['dist/docs/old.html', 'dist/old.js']) write('slot', name, name);
    one.begin('build', globs);
    write('slot', 'dist/a.js', 'a');
    await one.keep('build', { ...passed, key: 'k1' }, globs);
    one.begin('docs', ['dist/docs/**']);
    write('slot', 'dist/docs/index.html', 'docs');
    one.note('docs', ['dist/docs/**']);
    one.begin('bundle', globs);
    write('slot', 'dist/b.js', 'b');
    await one.keep('bundle', { ...passed, key: 'k2' }, globs);
    assert.deepEqual(fs.readdirSync(at('slot', 'dist')).sort(), ['a.js', 'b.js', 'docs']);
    fs.mkdirSync(at('other', ''), { recursive: true });
    assert.ok(await cache('other', { steps }).recall('bundle', 'k2', globs));
    assert.deepEqual(
      fs.readdirSync(at('other', 'dist')).sort(),
      ['a.js', 'b.js'],
      'a step that bundle does not need is not in its archive',
    );
  });

  it('removes outputs of earlier runs that no step lists any more', () => {
    for (const name of ['dist/a.js', 'dist/tracked.js', 'out/b.js', 'lib/c.js']) write('slot', name, name);
    const run = (...outputs: string[]): void =>
      cache('slot', { steps: [step('build', { outputs })], tracked: [{ path: 'dist/tracked.js' }] }).removeFormerOutputs();
    run('dist/**', 'lib/**');
    run('out/**', 'lib/*.js');
    assert.deepEqual(fs.readdirSync(at('slot', 'dist')), ['tracked.js']);
    assert.deepEqual(fs.readdirSync(at('slot', 'out')), ['b.js']);
    assert.deepEqual(fs.readdirSync(at('slot', 'lib')), ['c.js']);
  });

  it('does not keep a step with outputs that match nothing, and reports them', async () => {
    write('slot', 'dist/a.js', 'a');
    const both = ['dist/**', 'build/**'];
    assert.equal(
      await cache('slot').keep('build', { key: 'k1', run: 'r1', log: 'log' }, both),
      'build is not cached: its outputs build/** match no file',
    );
    assert.equal(await cache('slot').recall('build', 'k1', both), undefined);
  });

  it('refuses outputs below a link that leads out of the checkout', () => {
    write('outside', 'b/file', 'mine');
    fs.mkdirSync(at('slot', ''), { recursive: true });
    fs.symlinkSync('../outside', at('slot', 'out'));
    assert.match(
      cache('slot').refusal(step('build', { outputs: ['out/b/**'] })) ?? '',
      /^the outputs of build are below out, a symbolic link/,
    );
    assert.equal(cache('slot').refusal(step('build', { outputs: globs })), undefined);
  });

  it('restores nothing through a link that has appeared since', async () => {
    write('slot', 'dist/sub/a.js', 'a');
    write('outside', 'a.js', 'mine');
    await cache('slot').keep('build', { key: 'k1', run: 'r1', log: 'log' }, globs);
    fs.rmSync(at('slot', 'dist/sub'), { recursive: true });
    fs.symlinkSync('../../outside', at('slot', 'dist/sub'));
    assert.equal(await cache('slot', { tracked: [{ path: 'dist/sub' }] }).recall('build', 'k1', globs), undefined);
    assert.equal(fs.readFileSync(at('outside', 'a.js'), 'utf8'), 'mine');
  });

  it('knows no earlier pass in a clean delivery', async () => {
    write('slot', 'dist/a.js', 'a');
    await cache('slot').keep('build', { key: 'k1', run: 'r1', log: 'log' }, globs);
    assert.equal(await cache('slot', { isClean: true }).recall('build', 'k1', globs), undefined);
  });

  it('stays within its bound: the least recently used go', async () => {
    for (const [index, key] of ['k1', 'k2', 'k3'].entries()) {
      write('slot', 'dist/a.js', 'x'.repeat(50_000));
      await cache('slot').keep('build', { key, run: 'r1', log: 'log' }, globs);
      fs.utimesSync(path.join(folder.path, 'cache', `${key}.tar`), 1_000 + index, 1_000 + index);
    }
    tidyArchives(path.join(folder.path, 'cache'), 150_000);
    assert.deepEqual(fs.readdirSync(path.join(folder.path, 'cache')).sort(), ['k2.json', 'k2.tar', 'k3.json', 'k3.tar']);
  });

  function cache(slot: string, options: ConstructorParameters<typeof StepCache>[3] = {}): StepCache {
    return new StepCache(path.join(folder.path, 'cache'), path.join(folder.path, `${slot}-fingerprints`), at(slot, ''), options);
  }

  function at(slot: string, name: string): string {
    return path.join(folder.path, slot, name);
  }

  function write(slot: string, name: string, text: string): void {
    fs.mkdirSync(path.dirname(at(slot, name)), { recursive: true });
    fs.writeFileSync(at(slot, name), text);
  }
});

function file(name: string, id: string): TreeFile {
  return { path: name, mode: '100644', id };
}

function step(name: string, more: Partial<Step>): Step {
  return { name, needs: [], run: name, outputs: [], env: {}, secrets: [], reports: [], retries: 0, ...more };
}

function pipeline(steps: Step[]): Pipeline {
  return { service: 'shop', steps, environments: {} };
}

function key(steps: Step[], tree: TreeFile[], name = 'build'): string | undefined {
  return stepKeys(pipeline(steps), '', tree).get(name);
}
