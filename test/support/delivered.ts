import type { Change } from '../../src/core/model/events';
import type { Deployment, RunState } from '../../src/core/model/run-state';

export interface Delivered {
  readonly commit: string;
  /** ISO 8601. */
  readonly at: string;
  readonly environment?: string;
  readonly state?: Deployment['state'];
  readonly dirty?: { readonly base: string; readonly tree: string };
  readonly slot?: string;
}

/** A run that delivered a commit to `staging`, or another environment, as its journal would tell it. */
export function deliveredRun(id: string, { commit, at, environment = 'staging', state = 'verified', dirty, slot }: Delivered): RunState {
  const change: Change = { commit, tree: dirty?.tree ?? '', subject: id, dirty: dirty !== undefined, ...(dirty && { base: dirty.base }) };
  return {
    id,
    service: 'shop',
    outcome: state === 'rolled-back' ? 'failed' : 'passed',
    change,
    startedAt: at,
    finishedAt: at,
    runner: { pid: 1, startedAt: '' },
    folder: '',
    ...(slot !== undefined && { slot }),
    steps: [],
    notices: [],
    deployments: [{ environment, service: 'shop', url: '', release: { id, commit, tree: change.tree, deployedAt: at }, state }],
  };
}
