import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Status } from '../../src/core/model/run-status';
import { Project } from '../support/project';
import { temporaryFolder } from '../support/temporary';

(process.platform === 'win32' ? describe.skip : describe)('the cache of deliver run', function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  const project = (): Project => new Project(folder.path);
  const states = async (shop: Project): Promise<Record<string, string>> => {
    const { run } = await shop.json<Status>('status');
    return Object.fromEntries((run?.steps ?? []).map(({ name, state }) => [name, state]));
  };
  const passes = async (shop: Project, ...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await shop.deliver('run', ...args);
    assert.equal(code, 0, `${stdout}${stderr}`);
    return stdout;
  };

  for (const [kind, more] of Object.entries({
    'with outputs': { inputs: ['src/**'], outputs: ['dist/**'] },
    'without outputs': { inputs: ['src/**'] },
    'that is not cached': {},
  })) {
    it(`lets no file of a removed source live on in a step ${kind}`, async () => {
      const shop = project()
        .write('.gitignore', 'dist\n')
        .write('src/index.js', 'require("./tax")')
        .write('src/tax.js', '')
        .steps({ build: { run: 'mkdir -p dist && cp src/*.js dist/', ...more }, test: { needs: 'build', run: 'node dist/index.js' } })
        .commit();
      await passes(shop);
      fs.rmSync(path.join(shop.root, 'src/tax.js'));
      const { code, stdout } = await shop.deliver('run');
      assert.equal(code, 1, stdout);
      assert.match(stdout.trimEnd().split('\n').at(-1) ?? '', /^failed in /);
    });
  }

  it('gives another checkout no step whose files it lacks', async () => {
    const shop = project()
      .write('.gitignore', 'dist\n')
      .write('a.txt', '1')
      .steps({ build: { run: 'mkdir dist && cp a.txt dist', inputs: ['a.txt'] }, test: { needs: 'build', run: 'cat dist/a.txt' } })
      .commit();
    assert.match(await passes(shop), /build is cached in this checkout only: list dist in its outputs\n/);
    await passes(shop);
    assert.deepEqual(await states(shop), { build: 'cached', test: 'passed' });
    for (const name of fs.readdirSync(path.join(shop.home, 'repositories'))) {
      fs.rmSync(path.join(shop.home, 'repositories', name, 'slots'), { recursive: true });
    }
    await passes(shop);
    assert.deepEqual(await states(shop), { build: 'passed', test: 'passed' });
  });

  it('has no step with a glob that matches nothing, and check names the place', async () => {
    const shop = project()
      .write('src/a', 'good')
      .steps({
        test: { run: 'grep -q good src/a', inputs: ['scr/**'] },
        build: { run: 'true', inputs: ['src/**'], outputs: ['dist/**'] },
        report: { run: 'true', inputs: ['src/**'], reports: ['*.xml'] },
      })
      .commit();
    const printed = await passes(shop);
    for (const notice of [
      'test is not cached: its inputs scr/**',
      'build is not cached: its outputs dist/**',
      'report is not cached: its reports *.xml',
    ])
      assert.ok(printed.includes(`${notice} match no file`), printed);
    await passes(shop);
    assert.deepEqual(await states(shop), { test: 'passed', build: 'passed', report: 'passed' });
    const { stdout, code } = await shop.deliver('check');
    assert.equal(code, 0);
    assert.match(stdout, /^warning: delivery\.yaml:6:9: scr\/\*\* matches no file, so test is not cached$/m);
    assert.match(stdout, /^warning: delivery\.yaml:\d+:9: dist\/\*\* matches no file of the last run, so build is not cached$/m);
    assert.match(stdout, /^warning: delivery\.yaml:\d+:9: \*\.xml matches no file of the last run, so report is not cached$/m);
    shop.write('src/a', 'bad');
    assert.equal((await shop.deliver('run')).code, 1);
  });

  it('knows the variables that a command names or that env lists without a value', async () => {
    const shop = project()
      .steps({
        named: { run: 'echo $API_URL', inputs: ['delivery.yaml'] },
        listed: { run: 'sh -c env', env: { API_URL: null }, inputs: ['delivery.yaml'] },
        other: { run: 'true', inputs: ['delivery.yaml'] },
      })
      .commit();
    for (const [url, expected] of [
      ['a', 'passed'],
      ['a', 'cached'],
      ['b', 'passed'],
    ] as const) {
      assert.equal((await shop.start(['run'], { API_URL: url }).ended).code, 0);
      const { named, listed } = await states(shop);
      assert.deepEqual([named, listed], [expected, expected], url);
    }
    assert.equal((await states(shop))['other'], 'cached');
  });

  it('is not used by a clean delivery, and neither are kept files', async () => {
    const shop = project()
      .write('.gitignore', 'kept\n')
      .steps({ build: { run: 'test ! -e kept && touch kept', inputs: ['delivery.yaml'] } })
      .commit();
    await passes(shop);
    await passes(shop, '--clean');
    assert.deepEqual(await states(shop), { build: 'passed' });
    const { code, stderr } = await shop.deliver('run', '--clean', '--resume', 'x');
    assert.equal(code, 2);
    assert.match(stderr, /--clean.*--resume|--resume.*--clean/);
  });

  it('is not used by deliver step: the CI service decides which steps run', async () => {
    const shop = project()
      .steps({ test: { run: 'echo ran', inputs: ['delivery.yaml'] } })
      .commit();
    for (let run = 0; run < 2; run++) assert.match((await shop.deliver('step', 'test')).stdout, /✓ test passed/);
  });

  it('touches no file outside the checkout', async () => {
    const outside = path.join(folder.path, 'outside');
    fs.mkdirSync(path.join(outside, 'b'), { recursive: true });
    fs.writeFileSync(path.join(outside, 'b', 'mine'), 'mine');
    const shop = project().steps({
      t: { run: `ln -sfn '${outside}' out; touch out/b/new`, inputs: ['delivery.yaml'], outputs: ['out/b/**'] },
    });
    shop.commit();
    for (let run = 0; run < 2; run++) {
      const { code, stdout } = await shop.deliver('run');
      assert.equal(code, 1);
      assert.match(stdout, /the outputs of t are below out, a symbolic link that leads out of the checkout/);
    }
    assert.equal(fs.readFileSync(path.join(outside, 'b', 'mine'), 'utf8'), 'mine');
  });
});
