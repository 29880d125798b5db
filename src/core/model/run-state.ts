import type {
  Change,
  CiConnection,
  CiRun,
  Notice,
  Outcome,
  PlannedStep,
  ProcessIdentity,
  ProblemFound,
  Release,
  RolledBack,
  RunEvent,
  StepState,
  Verified,
} from './events';
import { unreachable } from './result';

/** A run, folded from its events. Every view is derived from this and nothing else. */
export interface RunState {
  readonly id: string;
  readonly service: string;
  readonly outcome: Outcome;
  readonly reason?: string;
  readonly change: Change;
  /** The start of the run or, while it is queued, of the wait. */
  readonly startedAt: string;
  readonly finishedAt?: string;
  readonly runner: ProcessIdentity;
  /** The service's folder relative to the repository's root. */
  readonly folder: string;
  readonly repository?: string;
  readonly slot?: string;
  readonly resumes?: string;
  readonly promotion?: { readonly from: string; readonly to: string };
  /** The label of the CI service that is about to start the run; absent as soon as it runs. */
  readonly handedTo?: string;
  /** The run on a CI service; absent: the run executes on this machine. */
  readonly engine?: CiRunState;
  readonly steps: readonly StepProgress[];
  readonly deployments: readonly Deployment[];
  readonly notices: readonly string[];
}

export interface CiRunState extends CiRun {
  /** The time of the last event. */
  readonly toldAt: string;
  /** The reason why the state may be outdated, and since when; absent while the CI service answers. */
  readonly heard?: Pick<CiConnection, 'at' | 'message' | 'hint' | 'host' | 'retryAt'> & {
    /** `unfollowed`: no process on this machine monitors the run. */
    readonly state: 'slow' | 'away' | 'unfollowed';
    readonly reason?: CiConnection['reason'];
  };
}

export interface StepProgress extends PlannedStep {
  readonly state: StepState;
  readonly attempt: number;
  readonly startedAt?: string;
  readonly durationMs?: number;
  readonly exitCode?: number;
  readonly signal?: string;
  readonly log?: string;
  /** The offset of the latest attempt in the log, in bytes; absent: 0. */
  readonly logFrom?: number;
  readonly flaky: boolean;
  readonly reason?: string;
  readonly process?: ProcessIdentity;
  /** The environment that needs an approval. */
  readonly approval?: string;
  readonly problems: readonly ProblemFound[];
  /** Messages about the step, such as why it is not cached. The run's notices contain them too. */
  readonly notices?: readonly string[];
}

export interface Deployment {
  readonly environment: string;
  readonly service: string;
  readonly url: string;
  readonly release: Release;
  readonly previous?: Release;
  readonly state: 'unverified' | 'verified' | 'rolled-back';
  /** The steps that verified it so far. */
  readonly verifiedBy?: readonly string[];
  /** The rollback of this deployment; absent while it is live. */
  readonly takenBack?: Pick<RolledBack, 'at' | 'to' | 'reason' | 'delivered' | 'byHand' | 'errorsMs'>;
}

/** Returns the state after one more event, or undefined before the first run event. */
export function fold(state: RunState | undefined, event: RunEvent): RunState | undefined {
  const after = foldOne(state, event);
  return after?.engine ? { ...after, engine: { ...after.engine, toldAt: event.at } } : after;
}

function foldOne(state: RunState | undefined, event: RunEvent): RunState | undefined {
  if (event.type === 'run-queued' || event.type === 'run-started') {
    return {
      id: event.run,
      service: event.service,
      outcome: event.type === 'run-queued' ? 'waiting' : 'running',
      change: event.change,
      startedAt: (event.type === 'run-started' ? event.since : undefined) ?? event.at,
      runner: event.runner,
      folder: event.type === 'run-started' ? event.folder : '',
      ...(event.type === 'run-queued' && event.handedTo !== undefined && { handedTo: event.handedTo }),
      ...(event.type === 'run-started' && { repository: event.repository }),
      ...(event.type === 'run-started' && event.slot !== undefined && { slot: event.slot }),
      ...(event.type === 'run-started' && event.engine && { engine: { ...event.engine, toldAt: event.at } }),
      ...(event.type === 'run-started' && event.resumes !== undefined && { resumes: event.resumes }),
      ...(event.type === 'run-started' && event.promotion && { promotion: event.promotion }),
      steps: event.steps.map((step) => ({ ...step, state: 'waiting', attempt: 0, flaky: false, problems: [] })),
      deployments: [],
      notices: state?.notices ?? [],
    };
  }
  if (!state) return undefined;
  switch (event.type) {
    case 'run-followed':
      return { ...state, runner: event.runner };
    case 'engine-heard':
      return heard(state, event);
    case 'step-found':
      return { ...state, steps: [...state.steps, { ...event.step, state: 'waiting', attempt: 0, flaky: false, problems: [] }] };
    case 'step-waits':
      return withStep(state, event.step, (step) => ({
        ...withoutWait(step),
        reason: event.reason,
        ...(event.approval !== undefined && { approval: event.approval }),
      }));
    case 'step-started':
      return withStep(state, event.step, (before) => {
        const step = withoutWait(before);
        return {
          ...step,
          state: 'running',
          attempt: event.attempt,
          startedAt: step.startedAt ?? event.since ?? event.at,
          // Problems of an earlier attempt do not belong to this one.
          problems: [],
          ...(event.logFrom !== undefined && { logFrom: event.logFrom }),
          ...(event.process && { process: event.process }),
        };
      });
    case 'step-finished':
      return withStep(state, event.step, (step) => ({
        ...withoutWait(step),
        state: event.state,
        durationMs: event.durationMs,
        flaky: event.flaky ?? false,
        ...(event.exitCode !== undefined && { exitCode: event.exitCode }),
        ...(event.signal !== undefined && { signal: event.signal }),
        ...(event.log !== undefined && { log: event.log }),
        ...(event.reason !== undefined && { reason: event.reason }),
      }));
    case 'problem':
      return withStep(state, event.step, (step) => ({ ...step, problems: [...step.problems, event] }));
    case 'deployed': {
      const { environment, service, url, release, previous } = event;
      const deployment: Deployment = { environment, service, url, release, ...(previous && { previous }), state: 'unverified' };
      return { ...state, deployments: [...state.deployments.filter((d) => d.environment !== environment), deployment] };
    }
    case 'verified':
      return withVerification(state, event);
    case 'rolled-back':
      return withRollback(state, event);
    case 'notice':
      return withNotice(state, event);
    case 'run-finished':
      return judged({
        ...atRest(state),
        outcome: event.outcome,
        finishedAt: event.at,
        ...(event.reason !== undefined && { reason: event.reason }),
      });
    default:
      return ignoreUnknown(state, event);
  }
}

/** Returns the state after more events. Consecutive problems are folded at once, so a thousand cost no more than a few. */
export function foldAll(state: RunState | undefined, events: readonly RunEvent[]): RunState | undefined {
  let folded = state;
  for (let at = 0; at < events.length; at++) {
    const event = events[at];
    if (event?.type !== 'problem' || !folded) {
      folded = event ? fold(folded, event) : folded;
      continue;
    }
    const together = [event];
    for (let next = events[at + 1]; next?.type === 'problem' && next.step === event.step; next = events[at + 1]) {
      together.push(next);
      at++;
    }
    folded = withStep(folded, event.step, (step) => ({ ...step, problems: [...step.problems, ...together] }));
  }
  return folded;
}

function withNotice(state: RunState, { step: name, message }: Notice): RunState {
  const after = { ...state, notices: [...state.notices, message] };
  return name === undefined ? after : withStep(after, name, (step) => ({ ...step, notices: [...(step.notices ?? []), message] }));
}

function withRollback(state: RunState, event: RolledBack): RunState {
  const { at, to, reason, delivered, byHand, errorsMs } = event;
  const how = {
    at,
    reason,
    ...(to && { to }),
    ...(delivered && { delivered }),
    ...(byHand && { byHand }),
    ...(errorsMs !== undefined && { errorsMs }),
  };
  const deployments = state.deployments.map((one): Deployment => {
    return one.environment === event.environment ? { ...one, state: 'rolled-back', takenBack: how } : one;
  });
  return judged({ ...state, deployments });
}

/** A run that passed counts as failed if its release was rolled back automatically afterwards. */
function judged(state: RunState): RunState {
  const failed = state.outcome === 'passed' ? state.deployments.find(({ takenBack: how }) => how?.delivered && !how.byHand) : undefined;
  return failed?.takenBack ? { ...state, outcome: 'failed', reason: failed.takenBack.reason } : state;
}

/** A newer version of Deliver may have written events of unknown types. */
function ignoreUnknown(state: RunState, event: never): RunState {
  if (typeof (event as { type?: unknown }).type === 'string') return state;
  return unreachable(event);
}

function withoutWait(step: StepProgress): StepProgress {
  const { reason, approval, ...rest } = step;
  return reason === undefined && approval === undefined ? step : rest;
}

function heard(state: RunState, { at, state: how, reason, message, hint, host, retryAt }: CiConnection): RunState {
  if (!state.engine) return state;
  const { heard: before, ...engine } = state.engine;
  if (how === 'answers') return { ...state, engine };
  const said = { ...(message !== undefined && { message }), ...(hint !== undefined && { hint }), ...(host !== undefined && { host }) };
  // A new reason does not restart the outage.
  const since = before?.state === how ? before.at : at;
  return {
    ...state,
    engine: {
      ...engine,
      heard: { at: since, state: how, ...said, ...(reason && { reason }), ...(retryAt !== undefined && { retryAt }) },
    },
  };
}

/** Returns the state of a CI run that no process on this machine monitors. */
export function unfollowed(state: RunState): RunState {
  // The reason for an outage says more than `unfollowed`.
  if (!state.engine || state.engine.heard?.state === 'away') return state;
  return { ...state, engine: { ...state.engine, heard: { at: state.engine.toldAt, state: 'unfollowed' } } };
}

/** Returns the state of a run whose runner has died: none of its steps is running. */
export function interrupted(state: RunState): RunState {
  return { ...atRest(state), outcome: 'interrupted', reason: state.reason ?? 'the runner ended before the run did' };
}

/** Returns the state with no step running or waiting. */
function atRest(state: RunState): RunState {
  const steps = state.steps.map((step): StepProgress => {
    if (step.state === 'running') return { ...step, state: 'interrupted' };
    return step.state === 'waiting' ? { ...step, state: 'skipped' } : step;
  });
  return { ...state, steps };
}

export function isFinished(outcome: Outcome): boolean {
  return outcome !== 'waiting' && outcome !== 'running';
}

function withStep(state: RunState, name: string, change: (step: StepProgress) => StepProgress): RunState {
  // Every window folds runs of many steps often, so the list is copied once and changed in place.
  const steps = [...state.steps];
  for (let at = 0; at < steps.length; at++) {
    const step = steps[at];
    if (step?.name !== name) continue;
    steps[at] = change(step);
    break;
  }
  return { ...state, steps };
}

/** A release is verified as soon as all steps that verify its environment have passed. A CI service reports it only then. */
function withVerification(state: RunState, { environment, step }: Verified): RunState {
  const deployments = state.deployments.map((one): Deployment => {
    if (one.environment !== environment) return one;
    const verifiedBy = [...(one.verifiedBy ?? []), step];
    const isPending = !state.engine && state.steps.some(({ name, verifies }) => verifies === environment && !verifiedBy.includes(name));
    return { ...one, verifiedBy, state: isPending ? one.state : 'verified' };
  });
  return { ...state, deployments };
}
