import assert from 'node:assert/strict';
import { rowsAsText, type Row } from '../../../../src/editor/tree/row';
import { pipelineMessage, pipelineRows } from '../../../../src/editor/pipeline/run-rows';
import type { ServiceState } from '../../../../src/editor/app/state';
import { fails, later, passes, runOf, serviceOf } from '../runs';

describe('the Pipeline view', () => {
  const drawn = (services: readonly ServiceState[], now = later(0), trusted = true) => rowsAsText(pipelineRows({ services, trusted }, now));
  const all = (rows: readonly Row[]): Row[] => rows.flatMap((row) => [row, ...all(row.children ?? [])]);

  it('offers the first delivery of a service', () => {
    assert.equal(drawn([serviceOf([])]), 'v [rocket] shop  not delivered yet\n    [rocket] Deliver the working tree\n');
  });

  it('offers nothing that runs in restricted mode, and says why', () => {
    assert.equal(drawn([serviceOf([])], later(0), false), 'v [rocket] shop  not delivered yet\n');
    const message = pipelineMessage({ services: [serviceOf([])], trusted: false, situation: 'ready', environments: [] });
    assert.match(message ?? '', /^Restricted mode/);
  });

  it('shows at once that a delivery was asked for', () => {
    assert.equal(drawn([serviceOf([], { starting: true })]), 'v [loading~spin] shop  starting…\n');
  });

  it('shows what runs, how long, and how long it usually takes', () => {
    const run = runOf(
      '1',
      'Add a cart',
      { type: 'step-finished', step: 'build', state: 'cached', durationMs: 0 },
      { type: 'step-started', step: 'test', attempt: 1 },
    );
    assert.equal(
      drawn([serviceOf([run])], later(12_400)),
      [
        'v [loading~spin] shop  Add a cart',
        '    [pass] build  cached',
        '    [loading~spin] test  12 s of about 40 s',
        '    [circle-outline] stage',
        '',
      ].join('\n'),
    );
    assert.match(drawn([serviceOf([run])], later(75_000)), /test {2}1 min 15 s\n/, 'no estimate that was already missed');
  });

  it('shows where it runs now, and a flaky step as flaky', () => {
    assert.equal(
      drawn([serviceOf([runOf('1', 'Add a cart', ...passes)])], later(180_000)),
      [
        'v [pass-filled] shop  passed · 3 min ago · Add a cart',
        '    [pass] build  cached',
        '    [pass-filled] test  41 s · flaky · 2nd attempt',
        '    [pass-filled] stage  2 s · 127.0.0.1:4100',
        '',
      ].join('\n'),
    );
  });

  it('shows why a step failed, and the runs before', () => {
    const runs = [runOf('2', 'Remove items', ...fails), runOf('1', 'Add a cart', ...passes)];
    assert.equal(
      drawn([serviceOf(runs)], later(0)),
      [
        'v [error] shop  failed · just now · Remove items',
        '    [pass-filled] build  9 s',
        '    [error] test  5 min · exited with 1',
        '    [debug-step-over] stage  skipped',
        '  > [history] Earlier runs  1',
        '    > [pass-filled] Add a cart  passed · just now',
        '        [pass] build  cached',
        '        [pass-filled] test  41 s · flaky · 2nd attempt',
        '        [pass-filled] stage  2 s · 127.0.0.1:4100',
        '',
      ].join('\n'),
    );
  });

  it('shows a run that waits below the one that runs', () => {
    const waiting = { ...runOf('2', 'Remove items'), outcome: 'waiting' as const };
    const text = drawn([serviceOf([waiting, runOf('1', 'Add a cart')])]);
    assert.match(text, /shop {2}Add a cart\n/);
    assert.match(text, /> \[clock\] Remove items {2}waiting for the run before it\n/);
  });

  it('names the manual handovers below all, closed', () => {
    const at = { path: '.gitlab-ci.yml', line: 12, message: 'job deploy waits for a person: `when: manual`' };
    const may = { path: '.github/workflows/ci.yml', line: 3, message: 'job ship may wait', isPossible: true } as const;
    const text = (handovers: NonNullable<ServiceState['handovers']>) =>
      rowsAsText(pipelineRows({ services: [serviceOf([], { handovers })], trusted: true }, later(0)));
    assert.doesNotMatch(text([]), /handover/);
    assert.match(
      text([at, may]),
      /^ {2}> \[person\] 1 manual handover {2}1 possible\n {6}\[go-to-file\] job deploy waits .* {2}\.gitlab-ci\.yml:12$/m,
    );
    assert.match(text([may, may]), /2 possible manual handovers$/m);
  });

  it('names every row for a screen reader, each with an id of its own', () => {
    const rows = all(
      pipelineRows(
        { services: [serviceOf([runOf('2', 'Remove items', ...fails), runOf('1', 'Add', ...passes)])], trusted: true },
        later(0),
      ),
    );
    assert.equal(new Set(rows.map((row) => row.id)).size, rows.length);
    assert.ok(rows.every((row) => row.ariaLabel !== ''));
    assert.ok(rows.some((row) => row.ariaLabel === 'Step test, failed, 5 min · exited with 1'));
  });

  it('offers what can be done with a row, and nothing else', () => {
    const rows = all(pipelineRows({ services: [serviceOf([runOf('2', 'Remove items', ...fails)])], trusted: true }, later(0)));
    const contextValues = (label: string) => rows.find((row) => row.label === label)?.contextValues;
    assert.deepEqual(contextValues('test'), ['step', 'failed', 'log', 'again']);
    assert.deepEqual(contextValues('stage'), ['step', 'skipped']);
    assert.deepEqual(contextValues('shop'), ['service', 'finished', 'failed', 'again']);
  });
});
