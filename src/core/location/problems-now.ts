import type { PlaceNow } from './places-now';
import type { ProblemFound } from '../model/events';
import type { RunState } from '../model/run-state';

/** `deliver problems --json`: other tools rely on this shape. */
export interface ProblemNow {
  readonly step: string;
  /** As it is called now, relative to the repository's root, with `/`. */
  readonly path?: string;
  /** As it is now; absent where the line is gone. */
  readonly line?: number;
  readonly column?: number;
  readonly severity: ProblemFound['severity'];
  readonly message: string;
  readonly source: string;
  /** How certain the place is; absent without a place. */
  readonly confidence?: PlaceNow['confidence'];
  /** Where it was in the delivered change. */
  readonly delivered?: { readonly path: string; readonly line?: number };
  /** Where no file is meant for certain: the place as it was printed. */
  readonly printed?: string;
  readonly logLine?: number;
  readonly count?: number;
}

/** Where a line of the delivered commit is now; `undefined`: the file is gone. */
export type Locate = (commit: string, path: string, line: number) => Promise<PlaceNow | undefined>;

/** Every problem of a run, with its place as it is now. */
export async function problemsNow(run: RunState, locate: Locate): Promise<ProblemNow[]> {
  const all = run.steps.flatMap((step) => step.problems);
  return Promise.all(all.map(async (problem) => problemNow(problem, run.change.commit, locate)));
}

export async function problemNow(problem: ProblemFound, commit: string, locate: Locate): Promise<ProblemNow> {
  const { step, severity, message, source, printed, logLine, count, path, line, column } = problem;
  const said = {
    step,
    severity,
    message,
    source,
    ...(printed !== undefined && { printed }),
    ...(logLine !== undefined && { logLine }),
    ...(count !== undefined && { count }),
  };
  if (path === undefined) return said;
  const delivered = { path, ...(line !== undefined && { line }) };
  const now = await locate(commit, path, line ?? 1);
  if (!now) return { ...said, delivered };
  // The column is that of the delivered line: it holds only where the text is the same.
  const sameColumn = now.confidence === 'exact' && column !== undefined ? { column } : {};
  const lineNow = line !== undefined && now.line !== undefined ? { line: now.line, ...sameColumn } : {};
  return { ...said, path: now.path, ...lineNow, confidence: line === undefined ? 'file' : now.confidence, delivered };
}
