import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { EventBody, PlannedStep } from '../../../../src/core/model/events';
import { Journal, readEvents } from '../../../../src/core/history/journal';
import { currentIdentity } from '../../../../src/core/process/process-identity';
import { newRunId, readRun, RunReader } from '../../../../src/core/history/runs';
import { temporaryFolder } from '../../../support/temporary';

const change = { commit: 'c0ffee', tree: '7ree', subject: 'Sell tea', dirty: false };
const steps: PlannedStep[] = [
  { name: 'build', needs: [], kind: 'run' },
  { name: 'test', needs: ['build'], kind: 'run' },
];

describe('the journal of a run', () => {
  const folder = temporaryFolder();
  const file = (): string => path.join(folder.path, 'journal.jsonl');

  it('returns the events that were written', () => {
    write(started(), { type: 'step-started', step: 'build', attempt: 1 });
    const [first, second] = readEvents(file());
    assert.equal(first?.type, 'run-started');
    assert.equal(second?.type, 'step-started');
    assert.equal(second?.run, 'r1');
    assert.match(second?.at ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it('skips a torn last line and starts the next event on a new line', () => {
    write(started());
    fs.appendFileSync(file(), '{"type":"step-fin');
    write({ type: 'run-finished', outcome: 'interrupted' });
    assert.deepEqual(
      readEvents(file()).map((event) => event.type),
      ['run-started', 'run-finished'],
    );
  });

  it('skips unknown types', () => {
    write(started());
    fs.appendFileSync(file(), `${JSON.stringify({ type: 'from-the-future', at: '2030-01-01T00:00:00.000Z', run: 'r1' })}\n`);
    assert.equal(readRun(folder.path)?.outcome, 'running');
  });

  it('gives the same run however it is read while it grows', () => {
    write(started(), { type: 'step-started', step: 'build', attempt: 1 });
    for (const message of ['größer', '茶', 'plain']) write({ type: 'problem', step: 'build', severity: 'warning', message, source: 'tsc' });
    fs.appendFileSync(file(), '{"type":"step-fin');
    write({ type: 'step-finished', step: 'build', state: 'passed', durationMs: 1 }, { type: 'run-finished', outcome: 'passed' });
    const whole = fs.readFileSync(file());
    for (const pace of [1, 7, 100, whole.length]) {
      fs.writeFileSync(file(), '');
      const reader = new RunReader(folder.path);
      for (let from = 0; from < whole.length; from += pace) {
        fs.appendFileSync(file(), whole.subarray(from, from + pace));
        reader.now();
      }
      assert.deepEqual(reader.now(), readRun(folder.path));
      assert.equal(reader.now()?.steps[0]?.problems.length, 3);
    }
  });

  it('records a run step by step', () => {
    write(
      started(),
      { type: 'step-started', step: 'build', attempt: 1 },
      { type: 'step-started', step: 'build', attempt: 2 },
      { type: 'step-finished', step: 'build', state: 'passed', exitCode: 0, durationMs: 12, flaky: true },
      { type: 'step-started', step: 'test', attempt: 1 },
    );
    const run = readRun(folder.path);
    assert.deepEqual(
      run?.steps.map(({ name, state, attempt, flaky }) => ({ name, state, attempt, flaky })),
      [
        { name: 'build', state: 'passed', attempt: 2, flaky: true },
        { name: 'test', state: 'running', attempt: 1, flaky: false },
      ],
    );
  });

  it('gives an interrupted run once its runner is gone', () => {
    write({ ...started(), runner: { pid: process.pid, startedAt: 'before' } }, { type: 'step-started', step: 'build', attempt: 1 });
    const run = readRun(folder.path);
    assert.equal(run?.outcome, 'interrupted');
    assert.deepEqual(
      run?.steps.map((step) => step.state),
      ['interrupted', 'skipped'],
    );
  });

  it('records the state of a release', () => {
    const release = { id: 'r1', commit: 'c0ffee', tree: '7ree', deployedAt: '2026-11-23T10:00:00.000Z' };
    write(
      started(),
      { type: 'deployed', environment: 'staging', service: 'shop', url: 'http://127.0.0.1:1', release },
      { type: 'rolled-back', environment: 'staging', from: release, reason: 'test failed' },
    );
    assert.equal(readRun(folder.path)?.deployments[0]?.state, 'rolled-back');
  });

  it('calls a release verified when all steps that verify it have passed', () => {
    const release = { id: 'r1', commit: 'c0ffee', tree: '7ree', deployedAt: '2026-11-23T10:00:00.000Z' };
    const steps = ['one', 'two'].map((name) => ({ name, needs: [], kind: 'verify' as const, verifies: 'staging' }));
    const state = () => readRun(folder.path)?.deployments[0]?.state;
    write(
      { ...started(), steps },
      { type: 'deployed', environment: 'staging', service: 'shop', url: 'http://127.0.0.1:1', release },
      { type: 'verified', environment: 'staging', step: 'one' },
    );
    assert.equal(state(), 'unverified');
    write({ type: 'verified', environment: 'staging', step: 'two' });
    assert.equal(state(), 'verified');
  });

  it('gives no run before the first event of the run', () => {
    assert.equal(readRun(folder.path), undefined);
    fs.writeFileSync(file(), '');
    assert.equal(readRun(folder.path), undefined);
  });

  it('has an id that sorts after the last run, whatever the clock says', () => {
    const future = newRunId(new Date('2031-01-01T00:00:00Z'));
    const second = newRunId(new Date('2026-01-01T00:00:00Z'), future);
    const third = newRunId(new Date('2020-01-01T00:00:00Z'), second);
    assert.deepEqual([third, future, second].sort(), [future, second, third]);
    assert.match(newRunId(new Date('2031-01-01T00:00:00Z'), 'an unknown name'), /^20310101T000000000-/);
  });

  it('has an id that sorts by time', () => {
    const ids = [1, 2, 3].map((second) => newRunId(new Date(1_700_000_000_000 + second)));
    assert.deepEqual([...ids].sort(), ids);
  });

  function started(): Extract<EventBody, { type: 'run-started' }> {
    return {
      type: 'run-started',
      service: 'shop',
      change,
      steps,
      runner: currentIdentity(),
      slot: '/slot',
      folder: '',
      repository: '/repository',
    };
  }

  function write(...events: EventBody[]): void {
    const journal = new Journal(folder.path, 'r1');
    for (const event of events) journal.append(event);
    journal.close();
  }
});
