import type { Pipeline, Step } from './pipeline';
import type { PlannedStep } from './events';
import type { RunState } from './run-state';

/** Returns the steps as the journal announces them, with their usual duration in `earlier` runs. */
export function plannedSteps(pipeline: Pipeline, earlier: readonly RunState[]): PlannedStep[] {
  return pipeline.steps.map((step) => {
    const usualMs = usual(step.name, earlier);
    return { name: step.name, needs: step.needs, kind: kindOf(step), ...(usualMs !== undefined && { usualMs }) };
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
