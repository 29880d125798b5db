import type { ProblemFound } from '../../core/model/events';
import type { RunState, StepProgress } from '../../core/model/run-state';
import type { ServiceState } from '../app/state';

/** A problem of the last run that reached its step. */
export interface Failure {
  /** Stays the same from one drawing to the next. */
  readonly id: string;
  readonly service: ServiceState;
  readonly run: RunState;
  readonly step: string;
  readonly problem: ProblemFound;
}

/** Returns the problems of a service that no later run has replaced, in the order of the pipeline. */
export function failuresOf(service: ServiceState): Failure[] {
  // Problems of a promotion are about production, not about the current change.
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

/** Returns the newest run before `run` in which the step passed. */
export function lastGood(service: ServiceState, run: RunState, step: string): RunState | undefined {
  return service.runs.find(
    (earlier) =>
      earlier.id < run.id &&
      !earlier.promotion &&
      earlier.steps.some(({ name, state }) => name === step && (state === 'passed' || state === 'cached')),
  );
}

/** The last result of a step that is running again is out of date. */
function wasReached(step: StepProgress): boolean {
  return step.state !== 'waiting' && step.state !== 'skipped';
}
