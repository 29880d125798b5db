import * as fs from 'node:fs';
import { messageOf } from '../model/result';
import { commandFolder } from './command-folder';
import type { Mask } from '../support/masking';
import type { Contributed } from './matchers/definition';
import type { FoundProblem } from '../model/problem';
import type { ProblemSearch } from './problem-search';
import type { ReportProblems, ReportStamps } from './reports';
import type { Step } from '../model/pipeline';
import type { ProblemFound, StepState } from '../model/events';
import type { Journal } from '../history/journal';
import type { PathResolver, Place } from '../location/path-resolver';

export interface ProblemSources {
  readonly search: ProblemSearch;
  readonly placer: PathResolver;
  readonly journal: Journal;
  readonly mask: Mask;
  readonly contributed: Contributed;
  /** Reads the reports that a step wrote after `before`; without it, all of its reports. */
  readonly reports: (step: Step, before?: ReportStamps) => Promise<ReportProblems>;
}

/** The end of a step, with its log. */
export interface StepEnd {
  readonly state: StepState;
  readonly log: string;
  /** The offset of the last attempt in the log, in bytes. */
  readonly from: number;
  /** The reports before the last attempt, which do not belong to it. */
  readonly before?: ReportStamps;
  /** The cause, if the machine rather than the code failed. */
  readonly reason?: string;
}

/** The maximum part of a passed step's log that is searched for warnings, in bytes. */
const mostOfPassed = 8 << 20;

/** Finds the problems of a step and records them in the journal. */
export class ProblemReporter {
  constructor(private readonly sources: ProblemSources) {}

  async report(step: Step, end: StepEnd): Promise<readonly StepProblem[]> {
    if (end.state !== 'failed' && end.state !== 'passed') return [];
    const { journal, placer, mask } = this.sources;
    const list = new ProblemList(end.state);
    if (end.reason !== undefined) list.add({ severity: 'error', message: end.reason, source: 'deliver' }, undefined);
    const folder = commandFolder(step.run ?? '') ?? (callsTools(step.run) ? '' : undefined);
    for (const found of [...(await this.ofLog(step, end)), ...(await this.ofReports(step, end))]) {
      const shown = { ...(folder !== undefined && { folder }), ...found, message: mask.text(found.message) };
      list.add(shown, await placer.place(shown), await placer.filesOnStack(shown));
    }
    const problems = list.all();
    for (const problem of problems) journal.append({ type: 'problem', step: step.name, ...problem });
    return problems;
  }

  private async ofLog(step: Step, end: StepEnd): Promise<FoundProblem[]> {
    const { search, contributed } = this.sources;
    const size = (fs.statSync(end.log, { throwIfNoEntry: false })?.size ?? 0) - end.from;
    if (size <= 0) return [];
    const most = end.state === 'passed' ? mostOfPassed : Infinity;
    try {
      const { selectMatchers } = await import('./log-problems');
      const { wanted, notices } = selectMatchers(step.problems, contributed);
      const { problems, more, notices: slow } = await search.find({ file: end.log, from: end.from, to: end.from + most }, wanted);
      const bound = more > 0 ? [`${more} more problems of ${step.name} are in its log alone`] : [];
      if (size > most) bound.push(`${step.name} passed: only the first ${most >> 20} MB of its log were searched for warnings`);
      for (const message of [...notices, ...slow, ...bound]) this.notice(step, message);
      return problems;
    } catch (error) {
      this.notice(step, `the log of ${step.name} could not be searched for problems: ${messageOf(error)}`);
      return [];
    }
  }

  private async ofReports(step: Step, end: StepEnd): Promise<readonly FoundProblem[]> {
    try {
      const { problems, more, failures } = await this.sources.reports(step, end.before);
      for (const { file, message } of failures) this.notice(step, `the report ${file} cannot be read: ${message}`);
      if (more > 0) this.notice(step, `${more} more failing tests of ${step.name} are in its reports alone`);
      return problems;
    } catch (error) {
      this.notice(step, `the reports of ${step.name} could not be read: ${messageOf(error)}`);
      return [];
    }
  }

  private notice(step: Step, message: string): void {
    this.sources.journal.append({ type: 'notice', step: step.name, message });
  }
}

/** Tools that print paths relative to the folder that they are called in. Go, cargo, jest and task runners do not. */
const tool =
  /^(?:\w+=\S* +)*(?:(?:npx|bunx|pnpm exec|uv run|poetry run|bundle exec|python3? -m) +)?(?:\.?\/?(?:node_modules\/\.bin|vendor\/bin)\/)?(?:(?:vue-)?tsc|eslint|oxlint|biome|stylelint|prettier|mocha|ruff|mypy|flake8|pylint|pyright|pytest|black|[gc]?cc|[gc]\+\+|clang(?:\+\+)?|rubocop|rspec|phpunit|phpstan|shellcheck)(?: |$)/;

/** Returns true if a command only calls such tools, so that they certainly ran in the service's folder. */
export function callsTools(run = ''): boolean {
  const commands = run.split(/&&|\|\||[;|\n]/).map((command) => command.trim());
  return !/[`(]| -C|--(?:cwd|directory|prefix)/.test(run) && commands.every((command) => command === '' || tool.test(command));
}

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
  const isReported = [found.source, one.found.source].includes('junit');
  return (traces || isReported) && line !== undefined && found.source !== one.found.source;
}
