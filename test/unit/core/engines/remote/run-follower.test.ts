import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { RemoteFailure, RemoteJob, RemoteRun } from '../../../../../src/core/engines/remote/remote-engine';
import type { Step } from '../../../../../src/core/pipeline/pipeline';
import { temporaryFolder } from '../../../../support/temporary';
import { FollowedHere } from './followed-here';

const shop: readonly Step[] = [step('build'), step('stage', { deploy: 'staging' }), step('accept', { verifies: 'staging' })];

describe('A run on a CI service', () => {
  const folder = temporaryFolder();
  let here: FollowedHere;
  beforeEach(() => (here = new FollowedHere(folder.path, shop)));
  afterEach(() => here.close());

  const lost: RemoteFailure = { state: 'failed', reason: 'offline', message: 'ci.example.com was not found' };

  /** What the service tells of the run from now on. */
  function run(state: RemoteRun['state'], ...jobs: readonly RemoteJob[]): void {
    here.service.tells({ state, jobs });
  }

  function log(name: string): string {
    return fs.readFileSync(path.join(folder.path, `${name}.log`), 'utf8');
  }

  describe('is told step by step', () => {
    it('with its log as it grows, and its end when the whole log is there', async () => {
      run('running', job('build', 'running'));
      here.service.prints('build', 'one\n');
      await here.look();
      assert.equal(log('build'), 'one\n');
      assert.equal(here.step('build').state, 'running');
      here.service.prints('build', 'two');
      run('running', job('build', 'passed'));
      await here.look();
      assert.equal(log('build'), 'one\ntwo');
      assert.equal(here.step('build').state, 'passed');
    });

    it('as kept in the cache where an earlier attempt had passed it', async () => {
      run('running', job('build', 'kept'));
      await here.look();
      assert.equal(here.step('build').state, 'cached');
      assert.equal(here.step('build').reason, 'it passed in an earlier attempt');
    });

    it('with why it waits and who has to let it go on, once', async () => {
      const waits = job('stage', 'waiting', { reason: 'waits for a person', approval: 'staging', hasLog: false });
      run('running', waits);
      for (let look = 0; look < 3; look++) await here.look();
      assert.deepEqual(here.of('step-waits'), [{ type: 'step-waits', step: 'stage', reason: 'waits for a person', approval: 'staging' }]);
      run('running', { ...waits, reason: 'waits for a machine' });
      await here.look();
      assert.equal(here.step('stage').reason, 'waits for a machine');
      run('running', job('stage', 'running'));
      await here.look();
      assert.equal(here.step('stage').reason, undefined);
      assert.equal(here.step('stage').approval, undefined);
    });

    it('also where a job is none of its steps', async () => {
      run('running', job('sweep', 'running'));
      await here.look();
      assert.deepEqual(here.steps(), ['build waiting', 'stage waiting', 'accept waiting', 'sweep running']);
    });

    it('no more than once, though each look tells all of it', async () => {
      run('running', job('build', 'failed'));
      for (let look = 0; look < 3; look++) await here.look();
      assert.equal(here.of('step-finished').length, 1);
      assert.deepEqual(here.reported, ['build failed']);
    });

    it('and an answer that is older than one before changes nothing', async () => {
      run('running', job('build', 'failed'));
      await here.look();
      run('running', job('build', 'running'));
      await here.look();
      run('waiting', job('build', 'waiting'));
      await here.look();
      assert.equal(here.step('build').state, 'failed');
    });

    it('and one that it was skipped does not, either, when it runs after all', async () => {
      run('running', skipped('stage'));
      await here.look();
      run('running', job('stage', 'running'));
      await here.look();
      run('running', skipped('stage'));
      await here.look();
      assert.equal(here.step('stage').state, 'running');
    });

    it('as skipped, where that shows only after it was entered', async () => {
      run('running', job('stage', 'running'));
      await here.look();
      run('running', skipped('stage'));
      await here.look();
      assert.equal(here.step('stage').state, 'skipped');
    });

    it('not at all where it cannot be asked', async () => {
      here.service.fails = lost;
      assert.deepEqual((await here.look()).failure, lost);
      assert.deepEqual(here.steps(), ['build waiting', 'stage waiting', 'accept waiting']);
    });
  });

  describe('that runs a step again', () => {
    it('has both in one log with a line between them, and one that passes so is flaky', async () => {
      run('running', job('build', 'running', { id: '1' }));
      here.service.prints('1', 'first\n');
      await here.look();
      here.service.prints('1', 'first broke');
      run('running', job('build', 'running', { id: '2', attempt: 2 }));
      here.service.prints('2', 'second\n');
      await here.look();
      run('passed', job('build', 'passed', { id: '2', attempt: 2 }), ...passed('stage', 'accept'));
      assert.ok((await here.look()).isOver);
      assert.equal(log('build'), 'first\nfirst broke\n--- attempt 1 failed ---\nsecond\n');
      assert.equal(here.step('build').state, 'passed');
      assert.equal(here.step('build').flaky, true);
    });

    it('has all of the first where nothing of it had come before', async () => {
      run('running', job('build', 'running', { id: '1' }));
      await here.look();
      here.service.prints('1', 'first');
      run('running', job('build', 'running', { id: '2', attempt: 2 }));
      here.service.prints('2', 'second');
      await here.look();
      assert.equal(log('build'), 'first\n--- attempt 1 failed ---\nsecond');
    });

    it('has all of the first where an old answer came in between', async () => {
      run('running', job('build', 'running', { id: '1' }));
      await here.look();
      run('running', job('build', 'waiting', { id: '1' }));
      await here.look();
      here.service.prints('1', 'first');
      run('running', job('build', 'waiting', { id: '2', attempt: 2 }));
      await here.look();
      assert.equal(log('build'), 'first');
    });

    it('has both in one log where the first was told to its end', async () => {
      here.service.prints('1', 'first');
      run('running', job('build', 'failed', { id: '1' }));
      await here.look();
      here.service.prints('2', 'second');
      run('running', job('build', 'passed', { id: '2', attempt: 2 }));
      await here.look();
      assert.equal(log('build'), 'first\n--- attempt 1 failed ---\nsecond');
      assert.equal(here.step('build').state, 'passed');
    });

    it('loses no byte where the process was killed in between, or in the middle of the second', async () => {
      here.service.prints('1', 'a first that is longer\n');
      run('running', job('build', 'running', { id: '1' }));
      await here.look();
      here.killed();
      here.service.prints('2', 'second\n');
      run('running', job('build', 'running', { id: '2', attempt: 2 }));
      await here.look();
      here.killed();
      here.service.prints('2', 'and its end\n');
      run('running', job('build', 'passed', { id: '2', attempt: 2 }));
      await here.look();
      assert.equal(log('build'), 'a first that is longer\n\n--- attempt 1 failed ---\nsecond\nand its end\n');
    });

    it('does not go back to the first for an old answer', async () => {
      run('running', job('build', 'running', { id: '2', attempt: 2 }));
      await here.look();
      run('running', job('build', 'failed', { id: '1' }));
      await here.look();
      assert.equal(here.step('build').state, 'running');
      assert.equal(here.step('build').attempt, 2);
    });

    it('also runs what was skipped for the first', async () => {
      run('running', job('build', 'failed', { id: '1' }), skipped('stage'));
      await here.look();
      run('running', job('build', 'passed', { id: '2', attempt: 2 }), job('stage', 'running'));
      await here.look();
      assert.equal(here.step('stage').state, 'running');
    });
  });

  describe('whose log is not there', () => {
    beforeEach(() => {
      here.service.logs = { state: 'failed', reason: 'answer', status: 404, message: 'there is no log', gone: true };
      run('running', job('build', 'passed'));
    });

    it('is waited for, and tells the end of the step when it comes', async () => {
      for (let look = 0; look < 5; look++) await here.look();
      assert.equal(here.step('build').state, 'running');
      here.service.logs = undefined;
      here.service.prints('build', 'late\n');
      await here.look();
      assert.equal(here.step('build').state, 'passed');
      assert.equal(log('build'), 'late\n');
      assert.deepEqual(here.state().notices, []);
    });

    it('is given up after a minute, and that is said', async () => {
      for (let look = 0; look < 8; look++) await here.look(10_000);
      assert.equal(here.step('build').state, 'passed');
      assert.deepEqual(here.state().notices, ['the log of build could not be read to its end: there is no log']);
    });

    it('is not given up because the machine slept', async () => {
      for (let look = 0; look < 3; look++) await here.look(5 * 3_600_000);
      assert.equal(here.step('build').state, 'running');
      assert.deepEqual(here.state().notices, []);
    });

    it('is waited for as long as it takes where the service was asked too often', async () => {
      here.service.logs = { state: 'failed', reason: 'limit', message: 'asked too often' };
      for (let look = 0; look < 100; look++) await here.look(15_000);
      assert.equal(here.step('build').state, 'running');
    });

    it('is waited for five minutes where nobody answers', async () => {
      here.service.logs = lost;
      for (let look = 0; look < 20; look++) await here.look(15_000);
      assert.equal(here.step('build').state, 'running');
      for (let look = 0; look < 2; look++) await here.look(15_000);
      assert.equal(here.step('build').state, 'passed');
    });
  });

  describe('ends', () => {
    it('as the service says, when all its steps have', async () => {
      run('failed', job('build', 'failed'), skipped('stage'), skipped('accept'));
      assert.ok((await here.look()).isOver);
      assert.equal(here.state().outcome, 'failed');
      assert.deepEqual(here.steps(), ['build failed', 'stage skipped', 'accept skipped']);
    });

    const gone: RemoteFailure = { state: 'failed', reason: 'answer', status: 404, message: 'there is no run 7', gone: true };

    it('not where it is not there yet, because it was begun a moment ago', async () => {
      here.service.fails = gone;
      const look = await here.look();
      assert.deepEqual([look.isOver, look.failure?.message, look.failure?.gone], [false, 'there is no run 7', undefined]);
      here.service.fails = undefined;
      run('passed', ...passed('build', 'stage', 'accept'));
      assert.ok((await here.look()).isOver);
      assert.equal(here.state().outcome, 'passed');
    });

    it('as interrupted where it does not come', async () => {
      here.service.fails = gone;
      await here.look();
      assert.ok(!(await here.look(20_000)).isOver);
      assert.ok((await here.look(10_000)).isOver);
      assert.equal(here.state().outcome, 'interrupted');
    });

    it('as interrupted where it is not there any more', async () => {
      run('running', job('build', 'running'));
      await here.look();
      here.service.fails = gone;
      assert.ok((await here.look()).isOver);
      assert.equal(here.state().outcome, 'interrupted');
      assert.equal(here.state().reason, 'the run is not there any more: there is no run 7');
    });

    it('not before its jobs have, and after a minute all the same, and that is said', async () => {
      run('passed', job('build', 'passed'), job('stage', 'running'), ...passed('accept'));
      for (let look = 0; look < 6; look++) assert.ok(!(await here.look(10_000)).isOver);
      await here.look(10_000);
      assert.equal(here.state().outcome, 'passed');
      assert.equal(here.step('stage').state, 'interrupted');
      assert.deepEqual(here.state().notices, ['the run has ended, and nothing tells how stage did']);
    });

    it('not by the time for which it could not be looked at', async () => {
      run('passed', job('build', 'passed'), job('stage', 'running'), ...passed('accept'));
      await here.look();
      assert.ok(!(await here.look(3_600_000)).isOver);
      run('passed', ...passed('build', 'stage', 'accept'));
      assert.ok((await here.look()).isOver);
      assert.deepEqual(here.state().notices, []);
    });

    it('not before an answer comes that is no older than its end', async () => {
      run('failed', job('build', 'passed'), job('whole run', 'failed'));
      await here.look();
      assert.equal(here.state().outcome, 'running');
      run('failed', job('build', 'passed'), job('stage', 'failed'), skipped('accept'));
      await here.look();
      assert.deepEqual(here.steps(), ['build passed', 'stage failed', 'accept skipped']);
    });

    it('without the steps that no job tells of, some seconds later', async () => {
      run('failed', job('build', 'failed'));
      await here.look();
      assert.equal(here.state().outcome, 'running');
      await here.look(10_000);
      assert.deepEqual(here.steps(), ['build failed', 'stage skipped', 'accept skipped']);
      assert.deepEqual(here.state().notices, []);
    });
  });

  describe('deploys', () => {
    const release = { id: 'there', commit: 'a'.repeat(40), tree: 'b'.repeat(40), deployedAt: '2026-11-24T10:00:00.000Z' };
    const deployed = { type: 'deployed', environment: 'staging', service: 'shop', url: 'https://staging.example.com', release };
    const verified = { type: 'verified', environment: 'staging', step: 'accept' };
    const back = { type: 'rolled-back', environment: 'staging', from: release, to: { ...release, id: 'before' }, reason: 'it failed' };
    const line = (event: object): string => `@deliver ${JSON.stringify(event)}\n`;

    it('and verifies as the logs of the steps tell that are there for it', async () => {
      here.service.prints('stage', `some output\n${line(deployed)}more\n`);
      here.service.prints('accept', line(verified));
      run('running', ...passed('stage', 'accept'));
      await here.look();
      const [deployment] = here.state().deployments;
      assert.equal(deployment?.url, 'https://staging.example.com');
      assert.equal(deployment.release.id, 'run');
      assert.equal(deployment.state, 'verified');
    });

    it('and takes back what a step that verifies failed for', async () => {
      here.service.prints('stage', line(deployed));
      here.service.prints('accept', line(back));
      run('running', ...passed('stage'), job('accept', 'failed'));
      await here.look();
      const [deployment] = here.state().deployments;
      assert.equal(deployment?.state, 'rolled-back');
      assert.equal(deployment.takenBack?.reason, 'it failed');
      assert.equal(deployment.takenBack.to?.id, 'before');
    });

    it('and nothing is taken from other steps, of other environments and services, or of what is no event', async () => {
      here.service.prints('build', line(deployed) + line(verified) + line(back));
      here.service.prints('accept', line(deployed) + line({ ...back, environment: 'production' }));
      here.service.prints(
        'stage',
        [
          { ...deployed, environment: 'production' },
          { ...deployed, service: 'till' },
          { ...deployed, release: { ...release, commit: 'x' } },
        ]
          .map(line)
          .join('') + '@deliver {"type":"deployed",\n@deliver null\n',
      );
      run('running', ...passed('build', 'stage', 'accept'));
      await here.look();
      assert.deepEqual(here.state().deployments, []);
      assert.deepEqual([here.of('deployed'), here.of('verified'), here.of('rolled-back')], [[], [], []]);
    });

    it('no address that is none of the web', async () => {
      here.service.prints('stage', line({ ...deployed, url: 'javascript:alert(1)' }));
      run('running', ...passed('stage'));
      await here.look();
      assert.equal(here.state().deployments[0]?.url, '');
    });

    it('once, where the process that told it was killed before it told the end of the step', async () => {
      here.service.prints('stage', line(deployed) + line(back));
      run('running', ...passed('stage'));
      here.diesBefore('step-finished');
      await assert.rejects(here.look());
      here.killed();
      await here.look();
      assert.equal(here.step('stage').state, 'passed');
      assert.equal(here.of('deployed').length, 1);
      assert.equal(here.of('rolled-back').length, 1);
    });
  });

  describe('is followed again', () => {
    it('from where its log stopped', async () => {
      here.service.prints('build', 'one\ntw');
      run('running', job('build', 'running'));
      await here.look();
      here.killed();
      here.service.prints('build', 'o\nthree\n');
      await here.look();
      assert.equal(log('build'), 'one\ntwo\nthree\n');
      assert.equal(here.of('step-started').length, 1);
    });

    it('also where the engine’s own marks broke off', async () => {
      here.service.prints('build', 'one\n[MA');
      run('running', job('build', 'running'));
      await here.look();
      here.leaves();
      here.service.prints('build', 'RK]two\n');
      await here.look();
      assert.equal(log('build'), 'one\ntwo\n');
    });

    it('and tells nothing of what had ended', async () => {
      run('running', job('build', 'passed'));
      await here.look();
      here.killed();
      await here.look();
      assert.equal(here.of('step-finished').length, 1);
      assert.deepEqual(here.reported, ['build passed']);
    });

    it('with the problems of a step once, where some of them were told', async () => {
      run('running', job('build', 'failed'));
      here.diesBefore('step-finished');
      await assert.rejects(here.look());
      here.killed();
      await here.look();
      assert.deepEqual(
        here.step('build').problems.map(({ message }) => message),
        ['build failed'],
      );
    });
  });
});

function step(name: string, more: Partial<Step> = {}): Step {
  return { name, needs: [], outputs: [], env: {}, secrets: [], reports: [], retries: 0, ...more };
}

function job(name: string, state: RemoteJob['state'], more: Partial<RemoteJob> = {}): RemoteJob {
  const hasBegun = state !== 'waiting' && state !== 'skipped' && state !== 'kept';
  const started = hasBegun ? { startedAt: '2026-11-24T10:00:00.000Z' } : {};
  return { id: more.id ?? name, name, attempt: 1, state, hasLog: hasBegun, ...started, ...more };
}

function passed(...names: readonly string[]): RemoteJob[] {
  return names.map((name) => job(name, 'passed'));
}

function skipped(name: string): RemoteJob {
  return job(name, 'skipped');
}
