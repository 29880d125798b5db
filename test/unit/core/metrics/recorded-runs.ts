import type { RunState } from '../../../../src/core/model/run-state';
import { deliveredRun } from '../../../support/delivered';

/** Returns a time such as `10:00` on the day of the tests. */
export function at(time: string): string {
  return `2026-11-24T${time}:00.000Z`;
}

/** Returns a full id that begins with the name. */
export function commit(name: string): string {
  return name.toLowerCase().padEnd(40, '0');
}

export interface RunOptions {
  readonly service?: string;
  readonly environment?: string;
  readonly previous?: string;
  /** The time of the rollback, and the commit that is live afterwards. */
  readonly back?: readonly [time: string, to?: string];
  readonly byHand?: true;
  /** The end of the run, if later. */
  readonly until?: string;
  readonly base?: string;
  readonly promotion?: true;
}

/** Returns a recorded run that brought a commit live in production. */
export function run(time: string, name: string, options: RunOptions = {}): RunState {
  const { service = 'shop', environment = 'production', previous, back, byHand, until, base } = options;
  const id = `${time} ${name}`;
  const dirty = base === undefined ? {} : { dirty: { base: commit(base), tree: 'tree' } };
  const one = deliveredRun(id, { commit: commit(name), at: at(time), environment, ...(back && { state: 'rolled-back' }), ...dirty });
  const release = (of: string): { id: string; commit: string; tree: string; deployedAt: string } => ({
    ...{ id: `the run of ${of}`, commit: commit(of), tree: '', deployedAt: at('00:00') },
  });
  const deployments = one.deployments.map((deployment) => ({
    ...deployment,
    service,
    ...(previous !== undefined && { previous: release(previous) }),
    ...(back && {
      takenBack: {
        at: at(back[0]),
        reason: 'it failed',
        ...(back[1] !== undefined && { to: release(back[1]) }),
        ...(byHand && { byHand }),
      },
    }),
  }));
  return {
    ...one,
    service,
    deployments,
    finishedAt: at(until ?? time),
    ...(options.promotion && { promotion: { from: 'staging', to: environment } }),
  };
}
