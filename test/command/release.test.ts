import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { RunEvent } from '../../src/core/model/events';
import { Project } from '../support/project';
import { temporaryFolder } from '../support/temporary';

interface Live {
  environment: string;
  services: { service: string; state: string; url: string; release: { commit: string; subject: string } }[];
}

(process.platform === 'win32' ? describe.skip : describe)('deliver release', function () {
  this.timeout(60_000);
  let shop: Project;
  // Stop all releases before the folder is removed.
  afterEach(() => shop.close());
  const folder = temporaryFolder();

  const started = { process: { command: 'exec node dist/server.js' } };
  const environments = { staging: started, production: started };
  /** The build counts its runs. The acceptance step fails if the page names its environment as bad. */
  const steps = {
    build: 'mkdir -p dist && cp server.js dist/ && echo built >> ../../built',
    stage: { needs: 'build', deploy: 'staging' },
    acceptance: {
      needs: 'stage',
      verifies: 'staging',
      run: `node -e "fetch(process.env.DELIVERY_URL).then(r=>r.text()).then(t=>process.exit(t.includes('bad in '+process.env.DELIVERY_ENVIRONMENT)?1:0))"`,
    },
  };
  const serving = (text: string): string =>
    `require('node:http').createServer((_, response) => response.end('${text}')).listen(process.env.PORT, '127.0.0.1');\n`;

  beforeEach(() => {
    shop = new Project(folder.path).write('.gitignore', 'dist\n').steps(steps, { environments, release: 'production' });
  });

  async function deliver(text: string): Promise<string> {
    shop.write('server.js', serving(text)).commit(`Say ${text}`);
    assert.equal((await shop.deliver('run')).code, 0);
    return shop.git('rev-parse', 'HEAD').trim();
  }
  const live = async (name: string): Promise<Live['services'][number] | undefined> =>
    (await shop.json<Live[]>('environment')).find(({ environment }) => environment === name)?.services[0];
  const page = async (name: string): Promise<string> => (await fetch((await live(name))?.url ?? '')).text();
  const builds = (): number =>
    fs
      .readdirSync(shop.home, { recursive: true, encoding: 'utf8' })
      .filter((name) => path.basename(name) === 'built')
      .reduce((sum, name) => sum + fs.readFileSync(path.join(shop.home, name), 'utf8').split('\n').length - 1, 0);

  it('promotes exactly the verified release and verifies it again', async () => {
    const commit = await deliver('hello');
    const before = builds();
    const { code, stdout } = await shop.start(['release', '--yes', '--json']).ended;
    assert.equal(code, 0, stdout);
    assert.equal(builds(), before);
    assert.equal((await live('production'))?.release.commit, commit);
    assert.equal(await page('production'), 'hello');
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as RunEvent);
    assert.deepEqual(
      events.flatMap((event) => (event.type === 'deployed' || event.type === 'verified' ? [`${event.type} ${event.environment}`] : [])),
      ['deployed production', 'verified production'],
    );
    // A customers' environment is no source of a release.
    const second = await shop.deliver('release', '--yes');
    assert.equal(second.code, 2);
    assert.match(second.stderr, /production already has/);
  });

  it('refuses a target of another kind, which cannot run the verified files', async () => {
    shop.steps(steps, { environments: { ...environments, production: { compose: {} } }, release: 'production' });
    await deliver('one');
    const { code, stderr } = await shop.deliver('release', '--yes');
    assert.equal(code, 2);
    assert.match(stderr, /staging runs files and production runs an image: the verified artifact cannot be released/);
  });

  it('shows the changes without a release with --dry-run', async () => {
    await deliver('one');
    await shop.deliver('release', '--yes');
    await deliver('two');
    await deliver('three');
    const { stdout } = await shop.deliver('release', '--dry-run');
    assert.match(
      stdout,
      /^shop: \w{7} Say three, from staging to production \(now: \w{7} Say one\)\n {2}\w{7} Say three Test\n {2}\w{7} Say two Test\n$/,
    );
    const plan = await shop.json<{ verified: boolean; changes: { subject: string }[] }>('release', '--dry-run');
    assert.deepEqual([plan.verified, plan.changes.map(({ subject }) => subject)], [true, ['Say three', 'Say two']]);
    assert.equal(await page('production'), 'one');
    const unconfirmed = await shop.deliver('release');
    assert.equal(unconfirmed.code, 2);
    assert.match(unconfirmed.stderr, /--yes confirms it/);
    assert.equal(await page('production'), 'one');
  });

  it('rolls back when it fails', async () => {
    await deliver('good');
    await shop.deliver('release', '--yes');
    await deliver('bad in production');
    const { code, stdout } = await shop.start(['release', '--yes', '--json']).ended;
    assert.equal(code, 1);
    assert.match(stdout, /"type":"rolled-back".*"environment":"production"/);
    assert.equal(await page('production'), 'good');
    assert.equal(await page('staging'), 'bad in production');
    // The release says nothing about the last delivery.
    const { releasable } = await shop.json<{ releasable: { yes: boolean } }>('status');
    assert.equal(releasable.yes, true);
  });

  it('requires a reason for an unverified release and records it', async () => {
    shop.steps({ build: steps.build, stage: steps.stage }, { environments, release: 'production' });
    await deliver('hello');
    const refused = await shop.deliver('release', '--yes');
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /is not verified in staging[^]*give the reason/);
    const { code, stdout } = await shop.start(['release', '--yes', '--why', 'the tests are down', '--json']).ended;
    assert.equal(code, 0);
    assert.match(stdout, /released without verification: the tests are down/);
  });

  it('refuses uncommitted changes and unknown environments', async () => {
    const nothing = await shop.commit().deliver('release', '--yes');
    assert.match(nothing.stderr, /shop is not live in any environment/);
    await deliver('hello');
    shop.write('server.js', serving('mine'));
    await shop.deliver('run');
    const dirty = await shop.deliver('release', '--yes', '--why', 'because');
    assert.equal(dirty.code, 2);
    assert.match(dirty.stderr, /staging has uncommitted changes/);
    const elsewhere = await shop.deliver('release', '--yes', '--to', 'moon');
    assert.equal(elsewhere.code, 2);
  });
});
