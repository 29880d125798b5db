import * as assert from 'node:assert/strict';
import * as path from 'node:path';
import { Project } from '../support/project';
import { ScriptedHost, scriptedServer } from '../support/scripted-host';
import { temporaryFolder } from '../support/temporary';

interface Live {
  readonly service: string;
  readonly state: string;
  readonly url: string;
  readonly owner?: { readonly folder: string };
}

(process.platform === 'win32' ? describe.skip : describe)('an environment that two repositories share', function () {
  this.timeout(120_000);
  let [ours, theirs]: Project[] = [];
  let host: ScriptedHost | undefined;
  afterEach(async () => {
    await ours?.close();
    host?.close();
  });
  const folder = temporaryFolder();

  const serving = (text: string): string =>
    `require('node:http').createServer((_, response) => response.end('${text}')).listen(process.env.PORT, '127.0.0.1');\n`;
  const environments = { staging: { watch: 'off', process: { command: 'exec node server.js', health: { path: '/' } } } };
  const project = (name: string, service: string): Project =>
    new Project(folder.path, name)
      .steps({ stage: { deploy: 'staging' } }, { service, environments })
      .write('server.js', serving(name))
      .commit(name);
  const live = async (service: string): Promise<Live | undefined> => {
    const [staging] = await theirs!.json<{ services: Live[] }[]>('environment');
    return staging?.services.find((one) => one.service === service);
  };
  const says = async (service: string): Promise<string> => (await fetch((await live(service))?.url ?? '')).text();

  it('refuses a service of the same name, and takes it over on request', async () => {
    [ours, theirs] = [project('ours', 'api'), project('theirs', 'api')];
    assert.equal((await theirs.deliver('run')).code, 0);
    const refused = await ours.deliver('run');
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /api in staging belongs to another repository: .*\/theirs\. This repository is .*\/ours\n {2}rename/);
    for (const command of ['stop', 'start', 'remove', 'logs'])
      assert.match((await ours.deliver('environment', command, 'staging')).stderr, /another repository|of .*\/theirs/, command);
    assert.match((await ours.deliver('rollback', 'staging')).stderr, /api in staging belongs to another repository: .*\/theirs/);
    assert.equal(await says('api'), 'theirs');

    assert.equal((await ours.deliver('run', '--take-over')).code, 0);
    assert.equal(await says('api'), 'ours');
    assert.equal((await theirs.deliver('run')).code, 2);
    // Nothing of the other repository comes back.
    assert.match((await ours.deliver('rollback', 'staging')).stderr, /no earlier release/);
    assert.equal(await says('api'), 'ours');
  });

  it('stops, starts and removes only the services of one repository', async () => {
    [ours, theirs] = [project('ours', 'web'), project('theirs', 'api')];
    for (const one of [ours, theirs]) assert.equal((await one.deliver('run')).code, 0);
    const stopped = await ours.deliver('environment', 'stop', 'staging');
    assert.match(stopped.stdout, /^web in staging stopped\. Not changed: api of .*\/theirs\./);
    assert.deepEqual([(await live('web'))?.state, await says('api')], ['stopped', 'theirs']);
    await ours.deliver('environment', 'start', 'staging');
    assert.equal(await says('web'), 'ours');
    await ours.deliver('environment', 'remove', 'staging');
    assert.deepEqual([await live('web'), await says('api')], [undefined, 'theirs']);
  });

  it('refuses a service of the same name in an environment of scripts, too', async () => {
    [ours, theirs] = [new Project(folder.path, 'ours'), new Project(folder.path, 'theirs')];
    host = new ScriptedHost(path.join(folder.path, 'place'), theirs);
    new ScriptedHost(path.join(folder.path, 'place'), ours);
    for (const one of [ours, theirs])
      one
        .steps({ stage: { deploy: 'staging' } }, { environments: { staging: { ...host.definition(), watch: 'off' } } })
        .write('server.js', scriptedServer(path.basename(one.root)))
        .commit();
    assert.equal((await theirs.deliver('run')).code, 0);
    assert.match((await ours.deliver('run')).stderr, /shop in staging belongs to another repository/);
    assert.match(
      (await ours.deliver('environment', 'stop', 'staging')).stderr,
      /no service in staging belongs to this folder's repository/,
    );
    assert.match((await ours.deliver('rollback', 'staging')).stderr, /belongs to another repository/);
    assert.equal(await says('shop'), 'theirs');
  });

  it('asks before the environment of customers stops', async () => {
    [ours, theirs] = [project('ours', 'web'), project('theirs', 'api')];
    ours.steps({ stage: { deploy: 'staging' } }, { service: 'web', environments, release: 'staging' }).commit();
    assert.equal((await ours.deliver('run', '--yes')).code, 0);
    for (const command of ['stop', 'remove']) {
      const { code, stderr } = await ours.deliver('environment', command, 'staging');
      assert.equal(code, 2);
      assert.match(stderr, /staging is a production environment\n {2}--yes confirms it\. It would (stop|remove) web/);
    }
    assert.equal((await live('web'))?.state, 'healthy');
    assert.equal((await ours.deliver('environment', 'stop', 'staging', '--yes')).code, 0);
    assert.equal((await live('web'))?.state, 'stopped');
  });
});
