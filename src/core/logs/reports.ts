import * as fs from 'node:fs';
import * as path from 'node:path';
import { listFiles } from '../support/globs';
import { readJunit } from './junit';
import type { FoundProblem } from '../model/problem';

export interface ReportProblems {
  readonly problems: readonly FoundProblem[];
  /** The number of failing tests beyond the maximum. */
  readonly more: number;
  /** A message for each report that could not be read. */
  readonly failures: readonly { readonly file: string; readonly message: string }[];
}

const mostBytes = 50 << 20;
const mostProblems = 1000;

/** The tolerance for coarse file times. */
const slackMs = 1000;

/**
 * Reads the failing tests from the JUnit XML reports of a step: the files below `folder` that match the globs and were
 * written since the step began. Older files belong to another run.
 */
export async function readReports(folder: string, globs: readonly string[], since: number): Promise<ReportProblems> {
  const problems: FoundProblem[] = [];
  const failures: { file: string; message: string }[] = [];
  for (const { path: file, size, mtimeMs } of listFiles(folder, globs)) {
    // A link, which may lead out of the folder, has size 0.
    if (mtimeMs < since - slackMs || !isOwnFile(folder, file)) continue;
    if (size > mostBytes) {
      failures.push({ file, message: `it is larger than ${mostBytes >> 20} MB` });
      continue;
    }
    const read = readJunit(await fs.promises.readFile(path.join(folder, file)));
    problems.push(...read.problems);
    if (read.error !== undefined) failures.push({ file, message: read.error });
  }
  return { problems: problems.slice(0, mostProblems), more: Math.max(0, problems.length - mostProblems), failures };
}

/** Opens a regular file inside the folder. Links out of the folder and pipes are refused. */
function isOwnFile(folder: string, file: string): boolean {
  const whole = path.join(folder, file);
  if (!fs.lstatSync(whole, { throwIfNoEntry: false })?.isFile()) return false;
  return fs.realpathSync(whole).startsWith(fs.realpathSync(folder) + path.sep);
}
