import * as fs from 'node:fs';
import * as path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { listFiles } from '../support/globs';
import { readJunit } from './junit';
import type { FoundProblem } from '../model/problem';

/** The identity and last change of each report before a step runs, by path. */
export type ReportStamps = ReadonlyMap<string, string>;

export interface ReportProblems {
  readonly problems: readonly FoundProblem[];
  /** The number of failing tests beyond the maximum. */
  readonly more: number;
  /** A message for each report that could not be read. */
  readonly failures: readonly { readonly file: string; readonly message: string }[];
}

const mostBytes = 50 << 20;
const mostProblems = 1000;

/** Kernels set file times by a clock that ticks every few milliseconds. */
const tickMs = 20;

/**
 * Returns the stamps of the reports that earlier runs left below `folder`. The change time decides: no tool can set it, and a
 * report that is written again with the same content gets a new one.
 */
export async function stampReports(folder: string, globs: readonly string[]): Promise<ReportStamps> {
  const files = listFiles(folder, globs).map((file) => file.path);
  // A report that a failed attempt has just written would get the same time again within this tick.
  const latest = Math.max(0, ...files.map((file) => fs.lstatSync(path.join(folder, file)).ctimeMs));
  while (Math.abs(Date.now() - latest) < tickMs) await setTimeout(tickMs);
  return new Map(files.map((file) => [file, stampOf(path.join(folder, file))]));
}

function stampOf(file: string): string {
  const stat = fs.lstatSync(file, { bigint: true, throwIfNoEntry: false });
  return stat ? [stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(':') : '';
}

/**
 * Reads the failing tests from the JUnit XML reports of a step: the files below `folder` that match the globs and were
 * written after `before` was taken. Other files belong to another run.
 */
export async function readReports(folder: string, globs: readonly string[], before: ReportStamps): Promise<ReportProblems> {
  const problems: FoundProblem[] = [];
  const failures: { file: string; message: string }[] = [];
  for (const { path: file, size } of listFiles(folder, globs)) {
    if (before.get(file) === stampOf(path.join(folder, file)) || !isOwnFile(folder, file)) continue;
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
