import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as net from 'node:net';
import * as path from 'node:path';
import type { RunEvent } from '../../src/core/model/events';
import { Project } from '../support/project';
import { temporaryFolder } from '../support/temporary';
import { projects } from '../unit/core/pipeline/detect/projects';

interface Environments {
  services: { service: string; state: string; url: string }[];
}

(process.platform === 'win32' ? describe.skip : describe)('deliver init', function () {
  this.timeout(240_000);
  let shop: Project;
  afterEach(() => shop.close());
  const folder = temporaryFolder();
  const write = (files: Readonly<Record<string, string>>): Project => {
    for (const [name, text] of Object.entries(files)) shop.write(name, text);
    return shop;
  };
  const answer = async (url: string): Promise<number> =>
    new Promise((resolve, reject) => {
      http.get(url, (response) => resolve(response.resume().statusCode ?? 0)).once('error', reject);
    });
  beforeEach(() => {
    shop = new Project(folder.path);
  });

  for (const [name, { files, tool, starts }] of Object.entries(projects)) {
    it(`writes a definition for ${name} that is valid${tool === undefined ? '' : ' and delivers a healthy service'}`, async function () {
      const written = await write(files).deliver('init');
      assert.equal(written.code, 0, written.stderr);
      assert.match(written.stdout, /^wrote delivery\.yaml/);
      const checked = await shop.deliver('check');
      assert.equal(checked.code, 0, checked.stderr);
      if (tool === undefined || starts === undefined) return;
      if (spawnSync(tool, [tool === 'go' ? 'version' : '--version']).status !== 0) {
        console.log(`      not run: ${tool} is not installed here`);
        return;
      }
      const run = await shop.commit().deliver('run');
      assert.equal(run.code, 0, `${fs.readFileSync(path.join(shop.root, 'delivery.yaml'), 'utf8')}${run.stdout}${run.stderr}`);
      const [environment] = await shop.json<Environments[]>('environment');
      assert.deepEqual([environment?.services[0]?.service, environment?.services[0]?.state], ['shop', 'healthy']);
      if (tool === 'node') assert.equal(await answer(environment?.services[0]?.url ?? ''), 200);
    });
  }

  it('names the programs that are missing or have another version', async () => {
    write({ 'deno.json': '{}', 'main.ts': 'export default { fetch: () => new Response() };\n', '.nvmrc': '4\n' });
    const bin = path.join(folder.path, 'bin');
    fs.mkdirSync(bin);
    fs.symlinkSync(process.execPath, path.join(bin, 'node'));
    const written = await shop.start(['init'], { PATH: bin }).ended;
    assert.match(
      written.stdout,
      /^missing: deno is not installed here\nmissing: \.nvmrc asks for node 4, but node \S+ is installed here$/m,
    );
  });

  it('never overwrites a definition', async () => {
    shop.write('delivery.yaml', 'mine\n');
    const refused = await shop.deliver('init');
    assert.deepEqual([refused.code, fs.readFileSync(path.join(shop.root, 'delivery.yaml'), 'utf8')], [2, 'mine\n']);
  });

  it('writes one definition for each service of a monorepo, with names of their own', async () => {
    write({
      'package.json': JSON.stringify({ workspaces: ['apps/*', 'packages/*'] }),
      'package-lock.json': '{}',
      'packages/prices/package.json': JSON.stringify({ name: '@shop/prices', scripts: { build: 'tsc' } }),
      'apps/web/package.json': JSON.stringify({
        name: 'web',
        scripts: { build: 'vite build' },
        dependencies: { vite: '7', '@shop/prices': '*' },
      }),
      'apps/web/index.html': '',
      'apps/orders/package.json': JSON.stringify({ name: 'orders', scripts: { start: 'node server.js' } }),
      'apps/orders/server.js': 'require("http").createServer().listen(process.env.PORT);\n',
      'examples/demo/package.json': JSON.stringify({ scripts: { start: 'node server.js' } }),
      'examples/demo/server.js': 'require("http").createServer().listen(process.env.PORT);\n',
    });
    const listed = await shop.json<{ folder: string; service: string }[]>('init', '--list');
    const offered = listed.map(({ folder: place, service }) => [path.relative(shop.root, place), service]);
    assert.deepEqual(offered, [
      ['apps/orders', 'orders'],
      ['apps/web', 'shop-web'],
    ]);
    const written = await shop.deliver('init');
    assert.match(written.stdout, /^wrote apps\/orders\/delivery\.yaml from npm$/m);
    assert.match(written.stdout, /deliver run --service NAME delivers one of them$/m);
    const web = fs.readFileSync(path.join(shop.root, 'apps/web/delivery.yaml'), 'utf8');
    assert.match(web, /run: cd \.\.\/\.\. && npm ci$/m);
    assert.match(web, /run: cd \.\.\/\.\. && npm run build --workspace @shop\/prices$/m);
    assert.equal((await shop.deliver('check')).code, 0);
    const again = await shop.deliver('init', 'packages/prices');
    assert.match(again.stdout, /^wrote packages\/prices\/delivery\.yaml/);
  });

  describe('and a file that git ignores', () => {
    const files = {
      'package.json': JSON.stringify({ scripts: { start: 'node --env-file=.env server.js' } }),
      'server.js':
        "console.log('key ' + process.env.API_KEY + process.env.LEVEL);\nif (!process.env.API_KEY) throw new Error('no key');\nrequire('http').createServer((q, a) => a.end('ok')).listen(process.env.PORT, '127.0.0.1');\n",
      '.gitignore': '.env\n',
      '.env': 'API_KEY="tomato-soup-99"\nLEVEL=info\nPORT=1\n',
    };

    it('proposes to read it, masks its values and writes them nowhere', async () => {
      await write(files).deliver('init');
      const written = fs.readFileSync(path.join(shop.root, 'delivery.yaml'), 'utf8');
      assert.match(written, /^ {6}command: node server\.js /m);
      assert.match(written, /^ {6}envFile: \.env /m);
      const run = await shop.commit().deliver('run');
      assert.equal(run.code, 0, run.stdout + run.stderr);
      const logs = await shop.deliver('environment', 'logs', 'staging');
      assert.match(logs.stdout + logs.stderr, /key \*\*\*info/);
      const kept = fs.readdirSync(shop.home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
      const holding = kept.filter((entry) => fs.readFileSync(path.join(entry.parentPath, entry.name)).includes('tomato-soup-99'));
      assert.deepEqual(holding.map(({ name }) => name), []); // prettier-ignore
    });

    it('fails before the first step if the file is missing', async () => {
      await write(files).deliver('init');
      fs.rmSync(path.join(shop.root, '.env'));
      const run = await shop.commit().deliver('run');
      assert.equal(run.code, 2);
      assert.match(
        run.stderr,
        /delivery\.yaml: step stage needs the file \.env, which is not in the working copy\n {2}create \.env beside delivery\.yaml/,
      );
    });

    it('names it when a release fails without it', async () => {
      write(files).steps({ stage: { deploy: 'staging' } }, { environments: { staging: { process: { command: 'node server.js' } } } });
      const run = await shop.commit().deliver('run');
      assert.equal(run.code, 1);
      assert.match(
        run.stdout,
        /The release lacks the \.env of the working copy, because git ignores it: add `envFile: \.env` to `process`/,
      );
    });
  });

  it('leads to a run that names the port on which a release listens instead', async function () {
    if (process.platform !== 'linux') return this.skip();
    const server = net.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as net.AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    shop.write('server.js', `require('http').createServer().listen(${port});\n`);
    shop.steps(
      { stage: { deploy: 'staging' } },
      { environments: { staging: { process: { command: 'node server.js', health: { timeout: '3s' } } } } },
    );
    const run = await shop.commit().deliver('run');
    assert.equal(run.code, 1);
    assert.match(run.stdout, new RegExp(`It listens on port ${port} instead: let it listen on the port in the variable PORT`));
  });

  it('leads to a run that names missing programs and other versions before the step', async () => {
    shop
      .write('.nvmrc', '4\n')
      .steps(
        { first: 'true', build: { run: 'dotnet build', needs: 'first' }, stage: { deploy: 'staging' } },
        { environments: { staging: { process: { command: 'deno run main.ts' } } } },
      );
    const bin = path.join(folder.path, 'bin');
    fs.mkdirSync(bin);
    for (const name of ['node', 'git', 'sh', 'true', 'tar']) {
      const found = spawnSync('which', [name], { encoding: 'utf8' }).stdout.trim();
      fs.symlinkSync(found, path.join(bin, name));
    }
    const running = shop.commit().start(['run', '--json'], { PATH: bin });
    assert.equal((await running.ended).code, 1);
    const { events } = running;
    const reasons = events.flatMap((event: RunEvent) => (event.type === 'step-finished' && event.state === 'failed' ? [[event.step, event.reason]] : [])); // prettier-ignore
    assert.deepEqual(new Map(reasons as [string, string][]), new Map([
      ['build', 'it needs dotnet, which is not installed here: install dotnet, or correct the PATH'],
      ['stage', 'it needs deno, which is not installed here: install deno, or correct the PATH'],
    ])); // prettier-ignore
    const types = events.map((event) => event.type);
    assert.ok(types.indexOf('notice') < types.indexOf('step-started'));
    assert.ok(events.some((event) => event.type === 'notice' && /^\.nvmrc asks for node 4, but node /.test(event.message)));
    assert.ok(!events.some((event) => event.type === 'step-started' && event.step === 'build'));
  });
});
