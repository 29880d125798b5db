import * as fs from 'node:fs';
import * as path from 'node:path';
import { listFiles } from '../support/globs';
import { readJunit } from './junit';
import type { FoundProblem } from '../model/problem';

export interface ReportProblems {
  readonly problems: readonly FoundProblem[];
  /** How many failing tests there are beyond the bound. */
  readonly more: number;
  /** The reports that could not be read, each with a sentence on why. */
  readonly failures: readonly { readonly file: string; readonly message: string }[];
}

const mostBytes = 50 << 20;
const mostProblems = 1000;

/** File systems keep times coarsely. */
const slackMs = 1000;

/**
 * The failing tests that the JUnit XML reports of a step tell: of those files that the globs name below
 * `folder` and that were written since the step began. Older ones tell of another run.
 */
export async function readReports(folder: string, globs: readonly string[], since: number): Promise<ReportProblems> {
  const problems: FoundProblem[] = [];
  const failures: { file: string; message: string }[] = [];
  for (const { path: file, size, mtimeMs } of listFiles(folder, globs)) {
    // A link, which might lead out of the folder, has no size.
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

/** No link, nor below one that leads out of the folder; and nothing to wait on, as a pipe is. */
function isOwnFile(folder: string, file: string): boolean {
  const whole = path.join(folder, file);
  if (!fs.lstatSync(whole, { throwIfNoEntry: false })?.isFile()) return false;
  return fs.realpathSync(whole).startsWith(fs.realpathSync(folder) + path.sep);
}
