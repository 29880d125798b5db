import { listOf, numberOf, recordOf, textOf, valueAt } from '../../support/json-value';
import { failingTest, testOf } from '../../logs/junit';
import type { FoundProblem } from '../../model/problem';
import { plain } from '../../support/terminal-text';
import { gitlabSteps } from './pipeline-file';
import type { Naming } from './jobs';

const mostProblems = 1000;
const longestText = 100_000;

/** The failing tests of a step, as GitLab read them of its job's JUnit reports (docs.gitlab.com: api/pipelines, test report). */
export function failingTests(report: unknown, step: string, { service, isAlone }: Naming): FoundProblem[] {
  const suites = listOf(valueAt(report, 'test_suites')).flatMap((suite) => {
    const name = textOf(valueAt(suite, 'name'));
    return name === undefined ? [] : [{ name, cases: listOf(valueAt(suite, 'test_cases')) }];
  });
  const names = suites.map(({ name }) => name);
  const steps = gitlabSteps(names, service, isAlone);
  const problems: FoundProblem[] = [];
  for (const { name, cases } of suites) {
    if (steps.get(name) !== step) continue;
    for (const one of cases) {
      const problem = problems.length < mostProblems ? problemOf(one) : undefined;
      if (problem) problems.push(problem);
    }
  }
  return problems;
}

function problemOf(value: unknown): FoundProblem | undefined {
  const test = recordOf(value);
  if (!test || (test['status'] !== 'failed' && test['status'] !== 'error')) return undefined;
  const text = (one: unknown): string => plain(textOf(one) ?? '').slice(0, longestText);
  const attributes = { name: text(test['name']) || 'a test', classname: text(test['classname']), ...file(test['file']) };
  const output = recordOf(test['system_output']);
  const said = output ? text(output['__content__']) : text(test['system_output']);
  return failingTest(testOf({ ...attributes, ...line(test['line']) }, undefined), {
    message: text(output?.['message']),
    text: text(test['stack_trace']) || said,
    type: text(output?.['type']),
  });
}

function file(value: unknown): { file?: string } {
  const path = textOf(value);
  return path === undefined ? {} : { file: plain(path) };
}

function line(value: unknown): { line?: string } {
  const number = numberOf(value);
  return number === undefined ? {} : { line: String(number) };
}
