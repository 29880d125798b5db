import type { ProblemFound } from '../../core/model/events';
import type { RunState, StepProgress } from '../../core/model/run-state';
import type { ServiceState } from '../app/state';

/** A problem that stands: of the last run that reached its step. */
export interface Failure {
  /** The same from one drawing to the next. */
  readonly id: string;
  readonly service: ServiceState;
  readonly run: RunState;
  readonly step: string;
  readonly problem: ProblemFound;
}

/** The problems of a service that no later run has replaced, in the order of the pipeline. */
export function failuresOf(service: ServiceState): Failure[] {
  // What a release found concerns what customers have, not the change that is worked on.
  const runs = service.runs.filter((run) => !run.promotion);
  const names = runs[0]?.steps.map((step) => step.name) ?? [];
  return names.flatMap((name) => {
    for (const run of runs) {
      const step = run.steps.find((candidate) => candidate.name === name);
      if (step && wasReached(step)) return problemsOf(service, run, step);
    }
    return [];
  });
}

export function problemsOf(service: ServiceState, run: RunState, step: StepProgress): Failure[] {
  return step.problems.map((problem, index) => ({ id: problemId(service.key, run, step, index), service, run, step: step.name, problem }));
}

export function problemId(service: string, run: RunState, step: StepProgress, index: number): string {
  return `${service}#${run.id}#${step.name}#${index}`;
}

/** The newest run before another in which a step passed. */
export function lastGood(service: ServiceState, run: RunState, step: string): RunState | undefined {
  return service.runs.find(
    (earlier) =>
      earlier.id < run.id &&
      !earlier.promotion &&
      earlier.steps.some((other) => other.name === step && (other.state === 'passed' || other.state === 'cached')),
  );
}

/** While it runs, what it said the last time is no longer true. */
function wasReached(step: StepProgress): boolean {
  return step.state !== 'waiting' && step.state !== 'skipped';
}
