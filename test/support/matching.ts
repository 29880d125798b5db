import * as fs from 'node:fs';
import * as path from 'node:path';
import { builtInMatchers } from '../../src/core/logs/matchers/built-in';
import type { Matcher } from '../../src/core/logs/matchers/matcher';
import { ProblemFinder } from '../../src/core/logs/problem-finder';
import type { FoundProblem } from '../../src/core/model/problem';

const fixtures = path.join(__dirname, '../unit/core/logs/matchers/fixtures');

/** The output of a tool. The first line of the file is the command. */
export function printed(fixture: string): string {
  const text = fs.readFileSync(path.join(fixtures, `${fixture}.txt`), 'utf8');
  return text.slice(text.indexOf('\n') + 1);
}

/** The built-in matchers of that name. Throws where there is none. */
export function named(name: string): readonly Matcher[] {
  const matchers = builtInMatchers.filter((matcher) => matcher.name === name);
  if (matchers.length === 0) throw new Error(`no built-in matcher is called ${name}`);
  return matchers;
}

/** Returns the findings of these matchers in a log, in order. */
export function problemsIn(log: string, matchers: readonly Matcher[]): FoundProblem[] {
  const problems: FoundProblem[] = [];
  const finder = new ProblemFinder(matchers, (problem) => problems.push(problem));
  finder.take(Buffer.from(log));
  finder.end();
  return problems;
}

/** A problem on one line, the way a person would note it: log line, severity, place, message. */
export function told({ logLine, severity, file, line, column, message, frames }: FoundProblem): string {
  const at = frames ? frames.find((frame) => frame.line !== undefined) : { file, line, column };
  const place = [at?.file, at?.line, at?.column].filter((part) => part !== undefined).join(':');
  return `${logLine} ${severity} [${place}] ${message}`;
}
