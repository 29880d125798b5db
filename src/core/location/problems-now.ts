import type { PlaceNow } from './places-now';
import type { ProblemFound } from '../model/events';
import type { RunState, StepProgress } from '../model/run-state';

/** The JSON shape of `deliver problems`. Other tools rely on it. */
export interface ProblemNow {
  readonly step: string;
  /** The current path, relative to the repository's root, with `/`. */
  readonly path?: string;
  /** The current line. Absent if it is gone. */
  readonly line?: number;
  readonly column?: number;
  readonly severity: ProblemFound['severity'];
  readonly message: string;
  readonly source: string;
  /** Absent without a place. */
  readonly confidence?: PlaceNow['confidence'];
  /** The place in the delivered change. */
  readonly delivered?: { readonly path: string; readonly line?: number };
  /** The place as the tool printed it, if no file matches for certain. */
  readonly printed?: string;
  readonly logLine?: number;
  readonly count?: number;
}

/** Returns the current place of a line of the delivered commit, or undefined if the file is gone. */
export type Locate = (commit: string, path: string, line: number) => Promise<PlaceNow | undefined>;

/** Returns the problems of a run with their current places. */
export async function problemsNow(run: RunState, locate: Locate): Promise<ProblemNow[]> {
  const all = run.steps.flatMap((step) => step.problems);
  return Promise.all(all.map(async (problem) => problemNow(problem, run.change.commit, locate)));
}

/** Returns a sentence for a failed step whose failure has neither a place nor a reason. */
export function withoutPlace({ name, state, log, reason, problems }: StepProgress): string | undefined {
  const isKnown = reason !== undefined || problems.some(({ path }) => path !== undefined);
  return state !== 'failed' || log === undefined || isKnown ? undefined : `${name} failed; its log names no place`;
}

export async function problemNow(problem: ProblemFound, commit: string, locate: Locate): Promise<ProblemNow> {
  const { step, severity, message, source, printed, logLine, count, path, line, column } = problem;
  const unchanged = { step, severity, message, source, printed, logLine, count };
  if (path === undefined) return unchanged;
  const delivered = { path, line };
  const now = await locate(commit, path, line ?? 1);
  if (!now) return { ...unchanged, delivered };
  // The column is valid only if the text of the line is the same.
  const sameColumn = now.confidence === 'exact' && column !== undefined ? { column } : {};
  const lineNow = line !== undefined && now.line !== undefined ? { line: now.line, ...sameColumn } : {};
  return { ...unchanged, path: now.path, ...lineNow, confidence: line === undefined ? 'file' : now.confidence, delivered };
}
