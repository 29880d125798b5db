import type { RunState } from '../../../../src/core/model/run-state';
import { deliveredRun } from '../../../support/delivered';

/** `10:00` on the day of the tests. */
export function at(time: string): string {
  return `2026-11-24T${time}:00.000Z`;
}

/** A full id that begins as its name says. */
export function commit(name: string): string {
  return name.toLowerCase().padEnd(40, '0');
}

export interface CiResult {
  readonly service?: string;
  readonly environment?: string;
  readonly previous?: string;
  /** When it was taken back, and to which commit. */
  readonly back?: readonly [time: string, to?: string];
  readonly byHand?: true;
  /** When its run ended, if later. */
  readonly until?: string;
  readonly base?: string;
  readonly promotion?: true;
}

/** A run as its journal tells it, that brought a commit live in production. */
export function run(time: string, name: string, told: CiResult = {}): RunState {
  const { service = 'shop', environment = 'production', previous, back, byHand, until, base } = told;
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
    ...(told.promotion && { promotion: { from: 'staging', to: environment } }),
  };
}
