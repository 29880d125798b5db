import type { RunState } from './run-state';
import type { Pipeline, Step } from './pipeline';
import type { PlannedStep } from './events';

/** The shape of `deliver status --json`, on which other tools rely. */
export interface Status {
  readonly service: string;
  readonly run: {
    readonly id: string;
    readonly folder: string;
    readonly outcome: RunState['outcome'];
    readonly reason?: string;
    readonly startedAt: string;
    readonly finishedAt?: string;
    readonly change: RunState['change'];
    /** The CI service that it runs on; absent: this machine. */
    readonly engine?: RunState['engine'];
    readonly steps: readonly StepStatus[];
  };
  readonly releasable: Releasable;
}

export interface StepStatus {
  readonly name: string;
  readonly state: string;
  readonly durationMs: number | undefined;
  readonly cached: boolean;
  readonly flaky: boolean;
  /** The number of problems. */
  readonly problems: number;
  readonly reason?: string;
  readonly log?: string;
}

/** A service is releasable if its last finished delivery passed. */
export interface Releasable {
  readonly yes: boolean;
  /** The newest change that passed. */
  readonly commit?: string;
  /** The start of the current streak of passed (or, if not releasable, failed) deliveries. */
  readonly since?: string;
  readonly reason?: string;
}

export function statusOf(run: RunState, folder: string, runs: readonly RunState[]): Status {
  return {
    service: run.service,
    run: {
      id: run.id,
      folder,
      outcome: run.outcome,
      ...(run.reason !== undefined && { reason: run.reason }),
      startedAt: run.startedAt,
      ...(run.finishedAt !== undefined && { finishedAt: run.finishedAt }),
      change: run.change,
      ...(run.engine && { engine: run.engine }),
      steps: run.steps.map((step) => ({
        name: step.name,
        state: step.state,
        durationMs: step.durationMs,
        cached: step.state === 'cached',
        flaky: step.flaky,
        problems: step.problems.length,
        ...(step.reason !== undefined && { reason: step.reason }),
        ...(step.log !== undefined && { log: step.log }),
      })),
    },
    releasable: releasableOf(runs),
  };
}

/** Derives the state from the runs of a service, newest first. Cancelled and superseded runs and releases do not count. */
export function releasableOf(runs: readonly RunState[]): Releasable {
  const decisive = runs.filter((run) => !run.promotion && !run.engine?.isAside && (run.outcome === 'passed' || run.outcome === 'failed'));
  const [latest] = decisive;
  if (!latest) return { yes: false, reason: 'nothing has been delivered yet' };
  const streak = decisive.slice(
    0,
    Math.max(
      0,
      decisive.findIndex((run) => run.outcome !== latest.outcome),
    ) || decisive.length,
  );
  const since = streak.at(-1)?.finishedAt;
  const good = decisive.find((run) => run.outcome === 'passed' && rolledBack(run) === undefined);
  const undone = latest.outcome === 'passed' ? rolledBack(latest) : undefined;
  return {
    yes: latest.outcome === 'passed' && undone === undefined,
    ...(good && { commit: good.change.commit }),
    ...(since !== undefined && { since }),
    ...(latest.outcome === 'failed' ? { reason: reasonOf(latest) } : undone !== undefined && { reason: undone }),
  };
}

/** Returns a sentence if a person rolled the run back. */
function rolledBack(run: RunState): string | undefined {
  const undone = run.deployments.find(({ takenBack }) => takenBack?.byHand);
  return undone && `it was rolled back in ${undone.environment}`;
}

function reasonOf(run: RunState): string {
  const failed = run.steps.filter((step) => step.state === 'failed').map((step) => step.name);
  if (failed.length === 0) return run.reason ?? 'the last delivery failed';
  return failed.length > 2 ? `${failed.length} steps failed` : `${failed.join(', ')} failed`;
}

/** Returns the steps as the journal announces them, with their usual duration in `earlier` runs. */
export function plannedSteps(pipeline: Pipeline, earlier: readonly RunState[]): PlannedStep[] {
  return pipeline.steps.map((step) => {
    const usualMs = usual(step.name, earlier);
    return {
      name: step.name,
      needs: step.needs,
      kind: kindOf(step),
      ...(step.deploy !== undefined && { deploys: step.deploy }),
      ...(step.verifies !== undefined && { verifies: step.verifies }),
      ...(usualMs !== undefined && { usualMs }),
    };
  });
}

export function kindOf(step: Step): PlannedStep['kind'] {
  return step.deploy !== undefined ? 'deploy' : step.verifies !== undefined ? 'verify' : 'run';
}

/** The median keeps one slow run from spoiling the estimate. */
function usual(name: string, earlier: readonly RunState[]): number | undefined {
  const passes = earlier.flatMap((run) =>
    run.steps.filter((step) => step.name === name && step.state === 'passed').map((step) => step.durationMs ?? 0),
  );
  return passes.sort((a, b) => a - b)[Math.floor(passes.length / 2)];
}
