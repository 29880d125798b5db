import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { parse } from 'yaml';
import { RemoteProject, type EngineKind } from '../support/ci/remote-project';
import { Project } from '../support/project';
import { ScriptedHost, scriptedServer } from '../support/scripted-host';
import { temporaryFolder } from '../support/temporary';

interface Metrics {
  readonly service: string;
  readonly environment: string;
  readonly deployments: number;
  readonly isOfThisMachineAlone: boolean;
  readonly sources: readonly { readonly source: string; readonly deployments: number; readonly missing?: string }[];
  readonly deploymentFrequency: { readonly deployments: number; readonly days: number };
  readonly leadTime: { readonly medianMs: number; readonly changes: number } | null;
  readonly changeFailRate: { readonly count: number; readonly of: number } | null;
  readonly recoveryTime: object | null;
  readonly reworkRate: { readonly count: number; readonly of: number } | null;
  readonly absent: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
}

const serving = (text: string): string =>
  `require('node:http').createServer((_, response) => response.end('${text}')).listen(process.env.PORT, '127.0.0.1');\n`;
const isGood = `node -e "fetch(process.env.DELIVERY_URL).then(r=>r.text()).then(t=>process.exit(t.includes('bad')?1:0))"`;
const hourMs = 3_600_000;

/** A change that was committed so many hours ago. */
function commitAgo(shop: Project, hours: number, message: string): string {
  const date = new Date(Date.now() - hours * hourMs).toISOString();
  shop.git('add', '-A');
  const env = { ...process.env, GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
  execFileSync('git', ['commit', '-q', '-m', message], { cwd: shop.root, env });
  return shop.git('rev-parse', 'HEAD').trim();
}

(process.platform === 'win32' ? describe.skip : describe)('deliver metrics', function () {
  this.timeout(120_000);
  let shop: Project;
  const folder = temporaryFolder();
  // Before the folder is removed: nothing that was delivered may go on.
  afterEach(() => shop.close());

  const started = { process: { command: 'exec node server.js' }, watch: 'off' };
  const steps = { stage: { deploy: 'staging' }, acceptance: { needs: 'stage', verifies: 'staging', run: isGood } };

  beforeEach(() => {
    shop = new Project(folder.path);
  });

  async function deliver(text: string, hours: number): Promise<number | null> {
    shop.write('server.js', serving(text));
    commitAgo(shop, hours, `Say ${text}`);
    return (await shop.deliver('run', '--yes')).code;
  }

  it('tell how often, how fast and how safely changes got to where a service is delivered to', async () => {
    shop.steps(steps, { environments: { staging: started } });
    assert.equal(await deliver('one', 9), 0);
    assert.equal(await deliver('two', 8), 0);
    assert.equal(await deliver('bad', 7), 1);
    assert.equal(await deliver('three', 5), 0);
    const metrics = await shop.json<Metrics>('metrics');
    assert.deepEqual([metrics.service, metrics.environment, metrics.deployments], ['shop', 'staging', 4]);
    assert.deepEqual(metrics.sources, [{ source: 'journals', deployments: 4 }]);
    assert.deepEqual([metrics.changeFailRate?.count, metrics.changeFailRate?.of], [1, 4]);
    // What was taken back came with the next one, which repaired it.
    assert.deepEqual([metrics.reworkRate?.count, metrics.leadTime?.changes], [1, 3]);
    assert.ok(metrics.leadTime && metrics.leadTime.medianMs > 7 * hourMs && metrics.leadTime.medianMs < 8 * hourMs);
    assert.equal(metrics.recoveryTime, null);
    assert.deepEqual(metrics.absent, { recoveryTime: '1 failed deployment: too few for a median' });
    assert.match(metrics.notes.join('\n'), /names no `release`: staging is the last that the pipeline deploys to/);

    const { code, stdout, stderr } = await shop.deliver('metrics', '--days', '7');
    assert.deepEqual([code, stderr], [0, '']);
    const lines = stdout.split('\n');
    assert.match(lines[0] ?? '', /^shop in staging, \d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d$/);
    assert.match(lines[1] ?? '', /^ {2}deployment frequency +4 a week +4 deployments in 7 days$/);
    assert.match(lines[2] ?? '', /^ {2}change lead time +7 h( \d+ min)? +median of 3 changes, from commit to live$/);
    assert.match(lines[3] ?? '', /^ {2}change fail rate +25 % +1 of 4 deployments were rolled back or failed$/);
    assert.match(lines[4] ?? '', /^ {2}failed deployment recovery time +– +1 failed deployment: too few for a median$/);
    assert.match(lines[5] ?? '', /^ {2}deployment rework rate +25 % +1 of 4 deployments repaired a failed one$/);
    assert.match(lines[7] ?? '', /^ {2}from the journals of this machine \(4\)$/);
  });

  it('are those of where customers are, and a release taken back by hand has failed there', async () => {
    const releasing = { environments: { staging: started, production: started }, release: 'production' };
    shop.steps(steps, releasing);
    for (const text of ['one', 'two', 'three']) {
      assert.equal(await deliver(text, 2), 0);
      assert.equal((await shop.deliver('release', '--yes')).code, 0);
    }
    assert.equal((await shop.deliver('rollback', 'production')).code, 0);
    const metrics = await shop.json<Metrics>('metrics');
    assert.deepEqual(
      [metrics.environment, metrics.deployments, metrics.notes],
      ['production', 3, ['not known: the changes of 1 deployment, as nothing tells what was live before']],
    );
    assert.deepEqual([metrics.changeFailRate?.count, metrics.changeFailRate?.of], [1, 3]);
  });

  it('are no figures where nothing or too little was delivered', async () => {
    shop.steps(steps, { environments: { staging: started } }).commit();
    const nothing = await shop.json<Metrics>('metrics');
    assert.deepEqual(
      [nothing.deploymentFrequency.deployments, nothing.leadTime, nothing.changeFailRate, nothing.reworkRate],
      [0, null, null, null],
    );
    await deliver('one', 1);
    await deliver('two', 1);
    const { absent } = await shop.json<Metrics>('metrics');
    assert.deepEqual(absent, {
      leadTime: '1 change went live: too few for a median',
      changeFailRate: '2 deployments: too few for a rate',
      recoveryTime: 'no deployment failed',
      reworkRate: '2 deployments: too few for a rate',
    });
  });

  it('are none of a service that is deployed nowhere', async () => {
    const { code, stderr } = await shop.steps({ build: 'true' }).commit().deliver('metrics');
    assert.equal(code, 2);
    assert.match(stderr, /shop is deployed to no environment, so there is nothing to measure/);
  });
});

for (const kind of ['github', 'gitlab'] as const satisfies readonly EngineKind[])
  (process.platform === 'win32' ? describe.skip : describe)(`deliver metrics, with a team at ${kind}`, function () {
    this.timeout(120_000);
    const temporary = temporaryFolder();
    let remote: RemoteProject;
    let shop: Project;
    let place: ScriptedHost;

    beforeEach(async () => {
      remote = await RemoteProject.start(temporary.path, kind, { build: { run: 'true' } });
      shop = remote.project;
      place = new ScriptedHost(path.join(temporary.path, 'production'), shop);
      const { engine } = parse(fs.readFileSync(path.join(shop.root, 'delivery.yaml'), 'utf8')) as { engine: Record<string, unknown> };
      const production = { ...place.definition(), watch: 'off' };
      shop.steps({ go: { deploy: 'production' } }, { engine, environments: { production }, release: 'production' });
    });
    afterEach(async () => {
      await shop.close();
      place.close();
      await remote.stop();
    });

    const say = (text: string): string => {
      shop.write('server.js', scriptedServer(text));
      const commit = commitAgo(shop, 3, `Say ${text}`);
      shop.git('push', '-q', 'origin', 'main');
      return commit;
    };
    const deliver = async (text: string): Promise<void> => {
      say(text);
      assert.equal((await remote.start('run', '--engine', 'local', '--yes').ended).code, 0);
    };
    /** Somebody else deploys it, elsewhere. */
    const theirs = (commit: string, createdAt: Date): void => {
      const { deployments } = remote.server.runs;
      const id = String(900 + deployments.length);
      deployments.unshift({
        id,
        environment: 'production',
        commit,
        ref: 'main',
        by: 'ada',
        createdAt,
        state: 'success',
        url: '',
      });
    };
    /** Hosts tell whole seconds. */
    const nextSecond = (): Date => new Date(Math.ceil((Date.now() + 1) / 1000) * 1000);
    const measured = async (environment = remote.environment): Promise<Metrics> => {
      const { stdout, stderr } = await shop.start(['metrics', '--json'], environment).ended;
      assert.equal(stderr, '');
      return JSON.parse(stdout) as Metrics;
    };

    it('hold the deliveries of everybody, each once', async () => {
      const zero = say('zero');
      theirs(zero, new Date(Date.now() - 2 * hourMs));
      await deliver('one');
      await deliver('two');
      const metrics = await measured();
      assert.deepEqual(metrics.sources, [
        { source: 'journals', deployments: 2 },
        { source: kind, place: 'acme/shop', deployments: 1 },
      ]);
      assert.deepEqual([metrics.deployments, metrics.changeFailRate?.count, metrics.isOfThisMachineAlone], [3, 0, false]);
      assert.deepEqual(metrics.notes, ['not known: the changes of 1 deployment, as nothing tells what was live before']);
      // A colleague takes it back: that is a failure of what was live, and no deployment.
      theirs(zero, nextSecond());
      const after = await measured();
      assert.deepEqual([after.deployments, after.changeFailRate?.count, after.changeFailRate?.of], [3, 1, 3]);
    });

    it('say that those of the others are missing where the host does not let us, and show what is known here', async () => {
      await deliver('one');
      theirs(say('two'), nextSecond());
      const [variable = ''] = Object.keys(remote.environment);
      const refused = await measured({ [variable]: 'wrong' });
      assert.deepEqual([refused.deployments, refused.isOfThisMachineAlone], [1, true]);
      const { stdout } = await shop.start(['metrics'], { [variable]: 'wrong' }).ended;
      assert.match(stdout, /^shop in production, \d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d, from this machine only$/m);
      assert.match(refused.notes.join('\n'), /what the rest of the team delivered is missing: .*401/);
      assert.match(refused.sources[1]?.missing ?? '', /401/);
      remote.server.fault = () => ({ reply: { status: 404, headers: { 'Content-Type': 'text/html' }, body: '<!DOCTYPE html>' } });
      assert.match((await measured()).notes.join('\n'), /what the rest of the team delivered is missing: /);
    });

    it('take no record for one of a service where two are delivered to one environment', async () => {
      await deliver('one');
      theirs(say('two'), nextSecond());
      const inventory = `service: inventory\nsteps: {go: {deploy: production}}\nenvironments: {production: {process: {command: node x.js}}}\n`;
      shop.write('inventory/delivery.yaml', inventory);
      const { stdout } = await shop.start(['metrics', '--json', '--service', 'shop'], remote.environment).ended;
      const { deployments, notes } = JSON.parse(stdout) as Metrics;
      assert.equal(deployments, 1);
      assert.match(notes.join('\n'), /does not say which service it is of, and inventory is in production, too/);
    });
  });
