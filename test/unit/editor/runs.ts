import type { Change, EventBody, PlannedStep } from '../../../src/core/model/events';
import { RepositoryHome } from '../../../src/core/support/home';
import { fold, type RunState } from '../../../src/core/model/run-state';
import type { ServiceState } from '../../../src/editor/app/state';

/** The time of every event of `runOf`. */
const start = Date.parse('2026-11-23T10:00:00Z');

/** Returns a time that is `ms` after every event. */
export function later(ms: number): number {
  return start + ms;
}

export const runner = { pid: 4711, startedAt: 'boot-1' };

export function changeOf(subject: string, commit = '4f2a91c0e4b7d65a1c3e8f9027461d0be5a8c943'): Change {
  return { commit, tree: 'a'.repeat(40), subject, dirty: false, branch: 'main' };
}

export const steps: readonly PlannedStep[] = [
  { name: 'build', needs: [], kind: 'run', usualMs: 9000 },
  { name: 'test', needs: ['build'], kind: 'run', usualMs: 40_000 },
  { name: 'stage', needs: ['test'], kind: 'deploy' },
];

/** Returns a started run of the service shop after these events. */
export function runOf(id: string, subject: string, ...events: EventBody[]): RunState {
  const started: EventBody = {
    type: 'run-started',
    service: 'shop',
    change: changeOf(subject),
    steps,
    runner,
    slot: '/slot',
    folder: '',
    repository: '/home/ada/shop',
  };
  const state = [started, ...events].reduce(
    (before: RunState | undefined, body) => fold(before, { ...body, at: new Date(start).toISOString(), run: id }),
    undefined,
  );
  if (!state) throw new Error('a started run has a state');
  return state;
}

export function serviceOf(runs: readonly RunState[], more: Partial<ServiceState> = {}): ServiceState {
  const folder = '/home/ada/shop';
  const home = new RepositoryHome('/home/ada/.deliver', `${folder}/.git`);
  return {
    key: `${folder}/delivery.yaml`,
    name: 'shop',
    folder,
    file: `${folder}/delivery.yaml`,
    root: folder,
    home,
    runs,
    starting: false,
    changed: false,
    ...more,
  };
}

export const release = {
  id: 'r',
  commit: '4f2a91c0e4b7d65a1c3e8f9027461d0be5a8c943',
  tree: 'a',
  deployedAt: '2026-11-23T10:00:00Z',
  subject: 'Add a cart',
};

export const passes: readonly EventBody[] = [
  { type: 'step-finished', step: 'build', state: 'cached', durationMs: 0 },
  { type: 'step-started', step: 'test', attempt: 1 },
  { type: 'step-started', step: 'test', attempt: 2 },
  { type: 'step-finished', step: 'test', state: 'passed', durationMs: 41_000, flaky: true, log: '/runs/1/test.log' },
  { type: 'step-started', step: 'stage', attempt: 1 },
  { type: 'deployed', environment: 'staging', service: 'shop', url: 'http://127.0.0.1:4100', release },
  { type: 'step-finished', step: 'stage', state: 'passed', durationMs: 2000, log: '/runs/1/stage.log' },
  { type: 'run-finished', outcome: 'passed' },
];

export const fails: readonly EventBody[] = [
  { type: 'step-started', step: 'build', attempt: 1 },
  { type: 'step-finished', step: 'build', state: 'passed', durationMs: 8700, log: '/runs/2/build.log' },
  { type: 'step-started', step: 'test', attempt: 1 },
  {
    type: 'step-finished',
    step: 'test',
    state: 'failed',
    durationMs: 300_000,
    exitCode: 1,
    reason: 'exited with 1',
    log: '/runs/2/test.log',
  },
  { type: 'step-finished', step: 'stage', state: 'skipped', durationMs: 0 },
  { type: 'run-finished', outcome: 'failed' },
];
