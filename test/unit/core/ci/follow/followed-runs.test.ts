import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { CiRun, EventBody } from '../../../../../src/core/model/events';
import { Journal, journalName } from '../../../../../src/core/history/journal';
import { currentIdentity } from '../../../../../src/core/process/process-identity';
import { readRecorded, readRun, RunReader } from '../../../../../src/core/history/runs';
import { temporaryFolder } from '../../../../support/temporary';

const gone = { pid: 0, startedAt: '' };
const engine: CiRun = { name: 'github', label: 'GitHub Actions', place: 'acme/shop', id: '7', attempt: 1, branch: 'deliver/shop-1' };
const started = {
  type: 'run-started' as const,
  service: 'shop',
  change: { commit: 'c0ffee', tree: '7ree', subject: 'Sell tea', dirty: false },
  steps: [{ name: 'build', needs: [], kind: 'run' as const }],
  runner: gone,
  folder: '',
  repository: '/work/shop',
  engine,
};
const away = (reason: 'offline' | 'token' | 'limit', message: string): EventBody => ({
  type: 'engine-heard',
  state: 'away',
  reason,
  message,
});

describe('the state of a followed run', () => {
  const folder = temporaryFolder();
  const write = (...events: EventBody[]): string[] => {
    const journal = new Journal(folder.path, 'r1');
    const times = events.map((event) => journal.append(event).at);
    journal.close();
    return times;
  };
  const run = (): NonNullable<ReturnType<typeof readRun>> => {
    const read = readRun(folder.path);
    assert.ok(read, 'no run is told');
    return read;
  };

  it('stays in progress without a follower, and nothing is interrupted', () => {
    const times = write(started, { type: 'step-started', step: 'build', attempt: 1 });
    const { outcome, engine: at, steps } = run();
    assert.equal(outcome, 'running');
    assert.equal(steps[0]?.state, 'running');
    assert.deepEqual([at?.heard?.state, at?.heard?.at], ['unfollowed', times.at(-1)]);
    assert.equal(new RunReader(folder.path).now()?.engine?.heard?.state, 'unfollowed');
    // A local run would be over.
    const { engine: there, ...here } = started;
    assert.equal(there, engine);
    write(here);
    assert.equal(run().outcome, 'interrupted');
  });

  it('is followed again as soon as another process records it', () => {
    write(started, { type: 'run-followed', runner: currentIdentity() });
    assert.equal(run().engine?.heard, undefined);
    assert.equal(run().runner.pid, process.pid);
  });

  it('shows the reason of the last process rather than its exit', () => {
    write(started, away('token', 'GitHub does not accept the token'));
    assert.deepEqual([run().engine?.heard?.state, run().engine?.heard?.message], ['away', 'GitHub does not accept the token']);
  });

  it('ends without a follower', () => {
    write(started, { type: 'step-finished', step: 'build', state: 'passed', durationMs: 1 }, { type: 'run-finished', outcome: 'passed' });
    assert.deepEqual([run().outcome, run().engine?.heard], ['passed', undefined]);
  });

  describe('an unreachable CI service', () => {
    const heard = (): { at: string; state: string; message?: string } | undefined => readRecorded(folder.path)?.engine?.heard;

    const writeAt = (at: string, event: EventBody): void =>
      fs.appendFileSync(path.join(folder.path, journalName), `${JSON.stringify({ ...event, at, run: 'r1' })}\n`);
    const [nine, ten] = ['2026-11-23T09:00:00.000Z', '2026-11-23T10:00:00.000Z'];

    it('is shown with the time since when, also when the reason changes', () => {
      write(started);
      writeAt(nine, away('offline', 'no network'));
      writeAt(ten, away('token', 'another token, please'));
      assert.deepEqual([heard()?.at, heard()?.message], [nine, 'another token, please']);
    });

    it('disappears with an answer, and starts again with the next failure', () => {
      write(started);
      writeAt(nine, away('offline', 'no network'));
      write({ type: 'engine-heard', state: 'answers' });
      assert.equal(heard(), undefined);
      writeAt(ten, away('offline', 'no network'));
      assert.equal(heard()?.at, ten);
    });

    it('differs from a slow one', () => {
      write(started, { type: 'engine-heard', state: 'slow', message: '10 more requests' });
      writeAt(ten, away('limit', 'too many requests'));
      assert.deepEqual([heard()?.state, heard()?.at], ['away', ten]);
    });

    it('keeps the recorded state of the run', () => {
      write(started, { type: 'step-started', step: 'build', attempt: 1 }, away('offline', 'no network'));
      assert.deepEqual([run().outcome, run().steps[0]?.state], ['running', 'running']);
    });
  });

  it('adds a job that is not a step of the pipeline behind the steps, and follows it', () => {
    write(
      started,
      { type: 'step-found', step: { name: 'scan', needs: [], kind: 'run' } },
      { type: 'step-started', step: 'scan', attempt: 1 },
    );
    assert.deepEqual(
      run().steps.map(({ name, state }) => `${name} ${state}`),
      ['build waiting', 'scan running'],
    );
  });

  it('shows why a step waits, and for which approval, until it starts', () => {
    write(started, { type: 'step-waits', step: 'build', reason: 'waits for a runner' });
    assert.deepEqual([run().steps[0]?.state, run().steps[0]?.reason], ['waiting', 'waits for a runner']);
    write({ type: 'step-waits', step: 'build', reason: 'waits for a review', approval: 'production' });
    assert.deepEqual([run().steps[0]?.reason, run().steps[0]?.approval], ['waits for a review', 'production']);
    write({ type: 'step-waits', step: 'build', reason: 'waits for its turn' });
    assert.equal(run().steps[0]?.approval, undefined);
    write({ type: 'step-started', step: 'build', attempt: 1 });
    assert.deepEqual([run().steps[0]?.state, run().steps[0]?.reason], ['running', undefined]);
  });

  it('shows the start as the CI service reports it', () => {
    write(
      { ...started, since: '2026-11-23T09:16:04.000Z' },
      { type: 'step-started', step: 'build', attempt: 1, since: '2026-11-23T09:17:00.000Z' },
    );
    assert.deepEqual([run().startedAt, run().steps[0]?.startedAt], ['2026-11-23T09:16:04.000Z', '2026-11-23T09:17:00.000Z']);
  });
});
