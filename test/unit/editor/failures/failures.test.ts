import assert from 'node:assert/strict';
import type { EventBody } from '../../../../src/core/model/events';
import { failuresOf, lastGood } from '../../../../src/editor/failures/failures';
import { rowsAsText } from '../../../../src/editor/tree/row';
import { pipelineRows } from '../../../../src/editor/pipeline/run-rows';
import { later, runOf, serviceOf } from '../runs';

const started = (step: string): EventBody => ({ type: 'step-started', step, attempt: 1 });
const finished = (step: string, state: 'passed' | 'failed' | 'skipped' | 'cached'): EventBody => ({
  type: 'step-finished',
  step,
  state,
  durationMs: 2000,
  log: `/log/${step}`,
});
const problem = (step: string, message: string, line = 7): EventBody => ({
  type: 'problem',
  step,
  path: 'src/cart.ts',
  line,
  column: 3,
  severity: 'error',
  message,
  source: 'tsc',
});
const failures = (...runs: Parameters<typeof runOf>[]): string[] =>
  failuresOf(serviceOf(runs.map((run) => runOf(...run)))).map((failure) => `${failure.run.id} ${failure.problem.message}`);

describe('failuresOf', () => {
  it('returns the problems of the last run that reached the step', () => {
    const broken: Parameters<typeof runOf> = ['1', 'Break it', started('test'), problem('test', 'old'), finished('test', 'failed')];
    assert.deepEqual(failures(broken), ['1 old']);
    assert.deepEqual(failures(['2', 'Stop before', started('build'), finished('build', 'failed'), finished('test', 'skipped')], broken), [
      '1 old',
    ]);
    assert.deepEqual(failures(['2', 'Fix it', started('test')], broken), []);
    assert.deepEqual(failures(['2', 'Fix it', started('test'), finished('test', 'passed')], broken), []);
  });

  it('returns problems in the order of the pipeline', () => {
    const run: Parameters<typeof runOf> = [
      '1',
      'Break it',
      problem('test', 'second'),
      finished('test', 'failed'),
      problem('build', 'first'),
      finished('build', 'failed'),
    ];
    assert.deepEqual(failures(run), ['1 first', '1 second']);
  });

  it('returns problems that are shown below their step, up to a maximum', () => {
    const many = Array.from({ length: 103 }, (_, i) => problem('test', `wrong ${i}`, i + 1));
    const run = runOf('1', 'Break it', started('test'), ...many, finished('test', 'failed'));
    const text = rowsAsText(pipelineRows({ services: [serviceOf([run])], trusted: true }, later(0)));
    assert.match(text, / {2}v \[error\] test {2}2 s\n {6}\[error\] cart\.ts:1 {2}wrong 0\n {6}\[error\] cart\.ts:2 {2}wrong 1\n/);
    assert.match(text, /\[error\] cart\.ts:100 {2}wrong 99\n {6}\[ellipsis\] 3 more in the log\n/);
  });

  it('shows on the row of a failed step that its log names no place', () => {
    const tooltip = (...events: EventBody[]): string | undefined => {
      const run = runOf('1', 'Break it', started('test'), ...events, finished('test', 'failed'));
      const [service] = pipelineRows({ services: [serviceOf([run])], trusted: true }, later(0));
      return service?.children?.find(({ label }) => label === 'test')?.tooltip;
    };
    assert.equal(tooltip(), 'test: failed\ntest failed; its log names no place');
    assert.equal(tooltip({ type: 'problem', step: 'test', severity: 'error', message: 'no', source: 'go' })?.split('\n').length, 2);
    assert.equal(tooltip(problem('test', 'wrong')), 'test: failed');
  });
});

describe('lastGood', () => {
  it('returns the newest earlier run in which the step passed', () => {
    const service = serviceOf([
      runOf('4', 'Later', finished('test', 'passed')),
      runOf('3', 'Break it', finished('test', 'failed')),
      runOf('2', 'Stopped', finished('test', 'skipped')),
      runOf('1', 'Good', finished('test', 'cached')),
    ]);
    assert.equal(lastGood(service, service.runs[1]!, 'test')?.id, '1');
    assert.equal(lastGood(service, service.runs[3]!, 'test'), undefined);
  });
});
