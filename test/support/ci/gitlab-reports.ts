import { SaxesParser } from 'saxes';

interface Case {
  status: 'success' | 'failed' | 'error' | 'skipped';
  readonly name: string | undefined;
  readonly classname: string | undefined;
  readonly file: string | undefined;
  readonly execution_time: number;
  system_output: string | Readonly<Record<string, string>> | null;
  stack_trace: string | null;
}

/**
 * A JUnit report in GitLab's format (docs.gitlab.com: api/pipelines, test report; lib/gitlab/ci/parsers/test/junit.rb): the text of a
 * failure, or its attributes if it has no text.
 */
export function testSuite(name: string, xml: string): object {
  const cases: Case[] = [];
  const parser = new SaxesParser({ xmlns: false } as const);
  let inFailure = false;
  parser.on('opentag', ({ name: tag, attributes }) => {
    if (tag === 'testcase')
      cases.push({
        status: 'success',
        name: attributes['name'],
        classname: attributes['classname'],
        file: attributes['file'],
        execution_time: 0,
        system_output: null,
        stack_trace: null,
      });
    const last = cases.at(-1);
    inFailure = last !== undefined && (tag === 'failure' || tag === 'error');
    if (!last || !inFailure) return;
    last.status = tag === 'failure' ? 'failed' : 'error';
    last.system_output = attributes;
  });
  const add = (text: string): void => {
    const last = cases.at(-1);
    if (!last || !inFailure || text.trim() === '') return;
    last.system_output = typeof last.system_output === 'string' ? last.system_output + text : text;
  };
  parser.on('text', add);
  parser.on('cdata', add);
  parser.on('closetag', () => (inFailure = false));
  parser.write(xml).close();
  const count = (status: Case['status']): number => cases.filter((one) => one.status === status).length;
  return {
    name,
    total_time: 0,
    total_count: cases.length,
    success_count: count('success'),
    failed_count: count('failed'),
    skipped_count: count('skipped'),
    error_count: count('error'),
    suite_error: null,
    test_cases: cases,
  };
}
