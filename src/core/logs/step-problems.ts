import type { FoundProblem } from '../model/problem';
import type { ProblemFound, StepState } from '../model/events';
import type { Place } from '../location/path-resolver';

/** A problem as the journal records it. */
export type StepProblem = Omit<ProblemFound, 'type' | 'at' | 'run' | 'step'>;

interface Kept {
  readonly found: FoundProblem;
  problem: StepProblem;
  count: number;
}

/**
 * Collects the problems of a step. Duplicates are merged. Errors come before warnings, otherwise the order of the log
 * stays. A step that passed keeps only warnings and infos.
 */
export class ProblemList {
  private readonly kept: Kept[] = [];

  constructor(private readonly state: StepState) {}

  add(found: FoundProblem, place: Place | undefined, stack: readonly string[] = []): void {
    if (this.state === 'passed' && found.severity === 'error') return;
    const problem = problemOf(
      found,
      place,
      stack.filter((path) => path !== place?.path),
    );
    const same = this.kept.find((one) => isSame(one, found, problem));
    if (!same) this.kept.push({ found, problem, count: 1 });
    // A duplicate without a place must not hide a known place.
    else if (same.problem.path === undefined && problem.path !== undefined) same.problem = problem;
    else if (same.found.source === found.source) same.count += 1;
  }

  all(): StepProblem[] {
    const rank = { error: 0, warning: 1, info: 2 };
    return [...this.kept]
      .sort((a, b) => rank[a.problem.severity] - rank[b.problem.severity])
      .map(({ problem, count }) => ({ ...problem, ...(count > 1 && { count }) }));
  }
}

function problemOf(found: FoundProblem, place: Place | undefined, stack: readonly string[]): StepProblem {
  const { severity, message, source, logLine } = found;
  const words = place ? undefined : printed(found);
  return {
    ...place,
    ...(words !== undefined && { printed: words }),
    severity,
    message: message.length > 1000 ? `${message.slice(0, 1000)}…` : message,
    source,
    ...(stack.length > 0 && { stack }),
    ...(logLine !== undefined && { logLine }),
  };
}

/** Returns the place as printed, for a place that is not a file of the tree. */
function printed({ file, line, column, frames }: FoundProblem): string | undefined {
  const [frame] = frames ?? [];
  const named = file !== undefined ? { file, line, column } : frame;
  return (
    named && [named.file, named.line, named.line === undefined ? undefined : named.column].filter((part) => part !== undefined).join(':')
  );
}

/** Returns true for the same message at the same place, or a stack and a report of the same place. */
function isSame(one: Kept, found: FoundProblem, problem: StepProblem): boolean {
  const { path, line, column, message } = one.problem;
  const isTrace = (each: FoundProblem): boolean => each.source === 'junit' || (each.frames?.length ?? 0) > 0;
  const traces = isTrace(found) && isTrace(one.found);
  if (path === undefined || problem.path === undefined)
    return path === problem.path || traces
      ? message === problem.message || (traces && one.found.source !== found.source && message.includes(problem.message))
      : false;
  if (path !== problem.path || line !== problem.line) return false;
  if (message === problem.message) return column === problem.column || column === undefined || problem.column === undefined;
  return traces && line !== undefined && found.source !== one.found.source;
}
