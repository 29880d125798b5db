import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { parse } from 'yaml';
import type { RunEvent } from '../../src/core/model/events';
import { journalName, readEvents } from '../../src/core/history/journal';
import { RemoteProject, type EngineKind } from '../support/ci/remote-project';
import type { Ended, Project } from '../support/project';
import { ScriptedHost, scriptedServer } from '../support/scripted-host';
import { eventually, temporaryFolder } from '../support/temporary';

const steps = {
  stage: { deploy: 'staging' },
  acceptance: {
    needs: 'stage',
    verifies: 'staging',
    run: `node -e "fetch(process.env.DELIVERY_URL).then((r) => r.text()).then((t) => process.exit(t === 'bad' ? 1 : 0))"`,
  },
};

for (const kind of ['github', 'gitlab'] as const satisfies readonly EngineKind[])
  (process.platform === 'win32' ? describe.skip : describe)(`a deployment from this machine, on record at ${kind}`, function () {
    this.timeout(120_000);
    const temporary = temporaryFolder();
    let remote: RemoteProject;
    let shop: Project;
    let places: ScriptedHost[];
    const label = { github: 'GitHub Actions', gitlab: 'GitLab CI/CD' }[kind];

    beforeEach(async () => {
      remote = await RemoteProject.start(temporary.path, kind, { build: { run: 'true' } });
      shop = remote.project;
      places = ['staging', 'production'].map((name) => new ScriptedHost(path.join(temporary.path, name), shop));
      const [staging, production] = places.map((place) => ({ ...place.definition(), watch: 'off' }));
      const { engine } = parse(fs.readFileSync(path.join(shop.root, 'delivery.yaml'), 'utf8')) as { engine: Record<string, unknown> };
      shop.steps(steps, { engine, environments: { staging, production }, release: 'production' });
    });
    afterEach(async () => {
      await shop.close();
      for (const place of places) place.close();
      await remote.stop();
    });

    const say = (text: string): string => {
      shop.write('server.js', scriptedServer(text)).commit(`Say ${text}`);
      return shop.git('rev-parse', 'HEAD').trim();
    };
    const push = (): string => shop.git('push', '-q', 'origin', 'main');
    const deliver = async (environment: Record<string, string> = remote.environment): Promise<Ended & { events: RunEvent[] }> => {
      const running = shop.start(['run', '--engine', 'local', '--json'], environment);
      const ended = await running.ended;
      return { ...ended, events: running.events };
    };
    const notices = (events: readonly RunEvent[]): string[] => events.flatMap((event) => (event.type === 'notice' ? [event.message] : []));
    /** Newest first: `staging success 4f2a…`. */
    const record = (): string[] =>
      remote.server.runs.deployments.map(({ environment, state, commit }) => `${environment} ${state} ${commit}`);
    const liveAt = (environment: string): string => {
      const place = places[environment === 'staging' ? 0 : 1];
      return `http://127.0.0.1:${fs.readFileSync(path.join(place?.folder ?? '', 'port'), 'utf8')}`;
    };

    it('says where it is live, before the run tells its end', async () => {
      const commit = say('good');
      push();
      const { code, events, stderr } = await deliver();
      assert.equal(code, 0, stderr);
      assert.deepEqual(notices(events), []);
      assert.deepEqual(record(), [`staging success ${commit}`]);
      assert.equal(remote.server.runs.deployments[0]?.url, liveAt('staging'));
      assert.equal(events.at(-1)?.type, 'run-finished');
      // It ran here: nothing was begun there.
      assert.deepEqual([remote.server.runs.runs.length, remote.branches()], [0, ['main']]);
    });

    it('says that it was taken back, and what is live again', async () => {
      const good = say('good');
      push();
      await deliver();
      const bad = say('bad');
      push();
      assert.equal((await deliver()).code, 1);
      assert.deepEqual(record(), [`staging success ${good}`, `staging inactive ${bad}`, `staging success ${good}`]);
      assert.equal(remote.server.runs.deployments[0]?.url, liveAt('staging'));
    });

    it('says what the watch over a release took back, when nobody waited for it any more', async () => {
      const definition = parse(fs.readFileSync(path.join(shop.root, 'delivery.yaml'), 'utf8')) as Record<string, unknown>;
      const [staging] = places;
      assert.ok(staging);
      const { engine } = definition as { engine: Record<string, unknown> };
      shop.steps(steps, { engine, environments: { staging: { ...staging.definition(), watch: '1m' } } });
      const good = say('good');
      push();
      await deliver();
      const next = say('next');
      push();
      const { code } = await deliver();
      assert.deepEqual([code, record()], [0, [`staging success ${next}`, `staging success ${good}`]]);
      staging.crash();
      await eventually('it is on record', () => record()[0] === `staging success ${good}`, 30_000);
      assert.equal(record()[1], `staging inactive ${next}`);
      assert.equal(remote.server.runs.deployments[0]?.url, liveAt('staging'));
      const { run } = await shop.json<{ run: { folder: string } }>('status');
      assert.deepEqual(notices(readEvents(path.join(run.folder, journalName))), []);
    });

    it('says that it did not come up', async () => {
      shop.write('server.js', 'throw new Error("no database");\n').commit('Die');
      push();
      assert.equal((await deliver()).code, 1);
      assert.deepEqual(record(), [`staging failure ${shop.git('rev-parse', 'HEAD').trim()}`]);
    });

    it('is not of a commit that nobody else has: the run says so, and passes', async () => {
      push();
      const commit = say('good');
      const why = (of: string): string =>
        `the deployment to staging is not on record at ${label}: the commit ${of.slice(0, 8)} was not pushed`;
      const unpushed = await deliver();
      assert.deepEqual([unpushed.code, notices(unpushed.events)], [0, [why(commit)]]);
      shop.write('server.js', scriptedServer('typing'));
      const dirty = await deliver();
      assert.equal(dirty.code, 0);
      assert.match(notices(dirty.events).join('\n'), /the deployment to staging is not on record at .*: the commit \w{8} was not pushed$/);
      assert.deepEqual([record(), remote.server.asked.length], [[], 0]);
    });

    it('fails no delivery where it cannot be made', async () => {
      say('good');
      push();
      const [variable = ''] = Object.keys(remote.environment);
      const refused = await deliver({ [variable]: 'wrong' });
      assert.equal(refused.code, 0, refused.stderr);
      assert.match(notices(refused.events).join('\n'), /^the deployment to staging is not on record at .*401/);
      remote.server.fault = () => ({ reply: { status: 404, headers: { 'Content-Type': 'text/html' }, body: '<!DOCTYPE html>' } });
      const broken = await deliver();
      assert.equal(broken.code, 0, broken.stderr);
      assert.equal(notices(broken.events).length, 1);
    });

    it('is no matter of what runs on this machine alone', async () => {
      const { engine } = parse(fs.readFileSync(path.join(shop.root, 'delivery.yaml'), 'utf8')) as { engine: Record<string, unknown> };
      const server = `require('node:http').createServer((_, response) => response.end('good')).listen(process.env.PORT)`;
      shop
        .write('here.js', server)
        .steps({ stage: { deploy: 'here' } }, { engine, environments: { here: { process: { command: 'node here.js' } } } });
      shop.commit('Here');
      push();
      const { code, events, stderr } = await deliver();
      assert.equal(code, 0, stderr);
      assert.deepEqual([notices(events), remote.server.asked.length], [[], 0]);
    });

    it('is of what is released to customers and of what a person takes back, too', async () => {
      const one = say('one');
      push();
      await deliver();
      assert.equal((await remote.start('release', '--yes').ended).code, 0);
      assert.deepEqual(record()[0], `production success ${one}`);
      const next = say('next');
      push();
      await deliver();
      assert.equal((await remote.start('release', '--yes').ended).code, 0);
      assert.equal(record()[0], `production success ${next}`);
      const back = await remote.start('rollback', 'production').ended;
      assert.deepEqual([back.code, back.stderr.includes('not on record')], [0, false], back.stderr);
      assert.equal(record()[0], `production success ${one}`);
      assert.ok(record().includes(`production inactive ${next}`), record().join('\n'));
      assert.equal(remote.server.runs.deployments[0]?.url, liveAt('production'));
    });
  });
