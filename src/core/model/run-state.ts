import type {
  Change,
  CiConnection,
  CiRun,
  Outcome,
  PlannedStep,
  ProcessIdentity,
  ProblemFound,
  Release,
  RolledBack,
  RunEvent,
  StepState,
} from './events';
import { unreachable } from './result';

/** A run as its events tell it. Every view is drawn from this and nothing else. */
export interface RunState {
  readonly id: string;
  readonly service: string;
  readonly outcome: Outcome;
  readonly reason?: string;
  readonly change: Change;
  /** When it began to run or, while it waits, to wait. */
  readonly startedAt: string;
  readonly finishedAt?: string;
  readonly runner: ProcessIdentity;
  /** The service's folder relative to the repository's root. */
  readonly folder: string;
  readonly repository?: string;
  readonly slot?: string;
  readonly resumes?: string;
  readonly promotion?: { readonly from: string; readonly to: string };
  /** The CI service that it is being handed to, as people call it; absent as soon as it runs there. */
  readonly handedTo?: string;
  /** The CI service that it runs on; absent: this machine. */
  readonly engine?: CiRunState;
  readonly steps: readonly StepProgress[];
  readonly deployments: readonly Deployment[];
  readonly notices: readonly string[];
}

export interface CiRunState extends CiRun {
  /** When anything was last told of the run. */
  readonly toldAt: string;
  /** Why it may not be as it is told here, and since when; absent while the engine answers. */
  readonly heard?: Pick<CiConnection, 'at' | 'message' | 'hint' | 'host' | 'retryAt'> & {
    /** `unfollowed`: nobody on this machine asks. */
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
  /** Where in its log the latest attempt begins, in bytes; absent: at the start. */
  readonly logFrom?: number;
  readonly flaky: boolean;
  readonly reason?: string;
  readonly process?: ProcessIdentity;
  /** The environment that a person has to let it into. */
  readonly approval?: string;
  readonly problems: readonly ProblemFound[];
}

export interface Deployment {
  readonly environment: string;
  readonly service: string;
  readonly url: string;
  readonly release: Release;
  readonly previous?: Release;
  readonly state: 'unverified' | 'verified' | 'rolled-back';
  /** How it was taken back; absent while it was not. */
  readonly takenBack?: Pick<RolledBack, 'at' | 'to' | 'reason' | 'delivered' | 'byHand' | 'errorsMs'>;
}

/** The state after one more event; `undefined` until the run has said what it is. */
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
          // Those of an attempt before it are not its own.
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
      return withDeployment(state, event.environment, 'verified');
    case 'rolled-back':
      return takenBack(state, event);
    case 'notice':
      return { ...state, notices: [...state.notices, event.message] };
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

/** The state after some more events. A step with a thousand problems takes no longer than one with a few. */
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

function takenBack(state: RunState, event: RolledBack): RunState {
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

/** A run that passed and whose release was taken back by itself afterwards has failed after all. */
function judged(state: RunState): RunState {
  const failed = state.outcome === 'passed' ? state.deployments.find(({ takenBack: how }) => how?.delivered && !how.byHand) : undefined;
  return failed?.takenBack ? { ...state, outcome: 'failed', reason: failed.takenBack.reason } : state;
}

/** A reader passes over types it does not know: a newer Deliver may have written them. */
function ignoreUnknown(state: RunState, event: never): RunState {
  if (typeof (event as { type?: unknown }).type === 'string') return state;
  return unreachable(event);
}

/** It waits no more. */
function withoutWait(step: StepProgress): StepProgress {
  const { reason, approval, ...rest } = step;
  return reason === undefined && approval === undefined ? step : rest;
}

function heard(state: RunState, { at, state: how, reason, message, hint, host, retryAt }: CiConnection): RunState {
  if (!state.engine) return state;
  const { heard: before, ...engine } = state.engine;
  if (how === 'answers') return { ...state, engine };
  const said = { ...(message !== undefined && { message }), ...(hint !== undefined && { hint }), ...(host !== undefined && { host }) };
  // Away for another reason, it is away as long.
  const since = before?.state === how ? before.at : at;
  return {
    ...state,
    engine: {
      ...engine,
      heard: { at: since, state: how, ...said, ...(reason && { reason }), ...(retryAt !== undefined && { retryAt }) },
    },
  };
}

/** What a run on a CI service reads as while nobody on this machine asks for it. */
export function unfollowed(state: RunState): RunState {
  // Why it was left says more than that it was.
  if (!state.engine || state.engine.heard?.state === 'away') return state;
  return { ...state, engine: { ...state.engine, heard: { at: state.engine.toldAt, state: 'unfollowed' } } };
}

/** What a run whose runner is gone reads as: nothing in it runs any more. */
export function interrupted(state: RunState): RunState {
  return { ...atRest(state), outcome: 'interrupted', reason: state.reason ?? 'the runner ended before the run did' };
}

/** Nothing of a run that is over still runs or waits. */
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
  // Copied as a whole and changed in one place: runs of many steps are folded in every window, again and again.
  const steps = [...state.steps];
  for (let at = 0; at < steps.length; at++) {
    const step = steps[at];
    if (step?.name !== name) continue;
    steps[at] = change(step);
    break;
  }
  return { ...state, steps };
}

function withDeployment(state: RunState, environment: string, to: Deployment['state']): RunState {
  return { ...state, deployments: state.deployments.map((d) => (d.environment === environment ? { ...d, state: to } : d)) };
}
