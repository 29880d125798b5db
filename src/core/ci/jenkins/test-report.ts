import { listOf, recordOf, textOf } from '../../support/json-value';
import { failingTest } from '../../logs/junit';
import type { FoundProblem } from '../../model/problem';
import { ok, type CiResult } from '../ci-client';
import type { JenkinsApi } from './jenkins-api';

const mostProblems = 200;
const longestText = 100_000;
const tree = 'suites[name,enclosingBlockNames,cases[className,name,status,errorDetails,errorStackTrace]]';

/** The failing tests of a stage, as the plugin JUnit keeps them with the blocks around the step that read them. */
export async function failingTests(
  server: JenkinsApi,
  number: number,
  stage: string,
  signal: AbortSignal,
): Promise<CiResult<readonly FoundProblem[]>> {
  const answer = await server.record(`${server.jobPath}/${number}/testReport/api/json?tree=${tree}`, signal);
  if (answer.state === 'failed') return answer.gone ? ok([]) : answer;
  const problems: FoundProblem[] = [];
  for (const value of listOf(answer.value['suites'])) {
    const suite = recordOf(value);
    if (!listOf(suite?.['enclosingBlockNames']).includes(stage)) continue;
    for (const one of listOf(suite?.['cases'])) {
      const test = recordOf(one);
      const status = test?.['status'];
      if (problems.length >= mostProblems) return ok(problems);
      // A regression is a failure of what passed the time before.
      if (status === 'FAILED' || status === 'REGRESSION') problems.push(problemOf(test ?? {}, textOf(suite?.['name']) ?? ''));
    }
  }
  return ok(problems);
}

function problemOf(test: Readonly<Record<string, unknown>>, suite: string): FoundProblem {
  const type = textOf(test['className']) ?? '';
  const name = textOf(test['name']) ?? 'a test';
  const isFile = /[/\\].*\.\w+$/.test(type);
  const title = [isFile ? '' : type, suite].find((part) => part !== '' && part !== 'test');
  return failingTest(
    {
      name: title === undefined || isFile || name.includes(title) ? name : `${title} › ${name}`,
      type,
      file: isFile ? type : undefined,
      line: undefined,
    },
    { message: short(test['errorDetails']), text: short(test['errorStackTrace']), type: '' },
  );
}

function short(value: unknown): string {
  return (textOf(value) ?? '').slice(0, longestText);
}
