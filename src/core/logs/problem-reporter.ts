import * as fs from 'node:fs';
import { messageOf } from '../model/result';
import type { Mask } from '../support/masking';
import type { Contributed } from './matchers/definition';
import type { FoundProblem } from '../model/problem';
import type { ProblemSearch } from './problem-search';
import type { ReportProblems } from './reports';
import type { Step } from '../model/pipeline';
import type { StepState } from '../model/events';
import type { Journal } from '../history/journal';
import type { PathResolver } from '../location/path-resolver';
import { ProblemList, type StepProblem } from './step-problems';

export interface ProblemSources {
  readonly search: ProblemSearch;
  readonly placer: PathResolver;
  readonly journal: Journal;
  readonly mask: Mask;
  readonly contributed: Contributed;
  /** Reads the reports that the attempt of a step wrote since `began` (milliseconds since the epoch). */
  readonly reports: (step: Step, began: number) => Promise<ReportProblems>;
}

/** The end of a step, with its log. */
export interface StepEnd {
  readonly state: StepState;
  readonly log: string;
  /** The offset of the last attempt in the log, in bytes. */
  readonly from: number;
  /** The start of the last attempt, in milliseconds since the epoch. Older reports do not belong to it. */
  readonly began: number;
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
    for (const found of [...(await this.ofLog(step, end)), ...(await this.ofReports(step, end))]) {
      const shown = { ...found, message: mask.text(found.message) };
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
      const { problems, more, failures } = await this.sources.reports(step, end.began);
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
