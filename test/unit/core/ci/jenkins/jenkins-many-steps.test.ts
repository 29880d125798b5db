import * as assert from 'node:assert/strict';
import type { CiClient, RemoteRun } from '../../../../../src/core/ci/ci-client';
import { follow, logOf, shown } from '../../../../support/ci/jenkins-following';
import { never, valueOf } from '../../../../support/ci/remote-answers';
import { JenkinsServer } from '../../../../support/ci/jenkins-server';
import { ScriptedRuns, type ScriptedRun } from '../../../../support/ci/scripted-runs';

const count = 200;
const names = Array.from({ length: count }, (_, index) => `step-${index}`);
const before = (name: string): string[] => names.slice(Math.max(0, names.indexOf(name) - 1), names.indexOf(name));

describe('a build of Jenkins with 200 stages', function () {
  this.timeout(30_000);
  let jenkins: JenkinsServer;
  let engine: CiClient;
  let scripted: ScriptedRun;

  beforeEach(async () => {
    const runs = new ScriptedRuns(Object.fromEntries(names.map((name) => [name, before(name)])));
    jenkins = await JenkinsServer.start(runs);
    engine = follow(jenkins);
    scripted = runs.begin({ branch: 'deliver/abc' });
  });
  afterEach(async () => jenkins.stop());

  const read = async (): Promise<RemoteRun> => valueOf(await engine.read('build:1', never));

  /** How many requests it took. */
  async function requests(work: () => Promise<unknown>): Promise<number> {
    const had = jenkins.asked.length;
    await work();
    return jenkins.asked.length - had;
  }

  it('tells all of them in their order, and asks of each once only whether it ran', async () => {
    for (const name of names.slice(0, 150)) scripted.job(name).pass();
    scripted.job('step-150').start();
    assert.deepEqual(shown(await read()), ['run running', ...names.slice(0, 150).map((name) => `${name} passed`), 'step-150 running']);
    assert.equal(await requests(read), 2);
    scripted.pass();
    assert.equal(await requests(read), 2 + 50);
    assert.equal(await requests(read), 2);
    assert.deepEqual(shown(await read()), ['run passed', ...names.map((name) => `${name} passed`)]);
  });

  it('tells what one printed, for one request of all logs', async () => {
    for (const name of names)
      scripted
        .job(name)
        .start()
        .print(`${name} says\n${'x'.repeat(1000)}\n`)
        .end('passed');
    const run = await read();
    const asked = await requests(async () => {
      for (const name of names)
        assert.deepEqual(await logOf(engine, run, name), { text: `${name} says\n${'x'.repeat(1000)}\n`, isWhole: true });
    });
    assert.equal(asked, 1);
  });
});
