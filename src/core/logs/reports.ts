import type { FoundProblem } from './problem';
export interface ReportProblems {
  readonly problems: FoundProblem[];
  readonly failures: readonly { file: string; message: string }[];
}
export async function readReports(_folder: string, _globs: readonly string[], _since: number): Promise<ReportProblems> {
  return Promise.resolve({ problems: [], failures: [] });
}
