import assert from 'node:assert/strict';
import { rowsAsText, type Row } from '../../../../src/editor/tree/row';
import { pipelineMessage, pipelineRows } from '../../../../src/editor/pipeline/run-rows';
import type { ServiceState } from '../../../../src/editor/app/state';
import { fails, later, passes, runOf, serviceOf } from '../runs';

describe('pipelineRows', () => {
  const drawn = (services: readonly ServiceState[], now = later(0), trusted = true) => rowsAsText(pipelineRows({ services, trusted }, now));
  const all = (rows: readonly Row[]): Row[] => rows.flatMap((row) => [row, ...all(row.children ?? [])]);

  it('offers the first delivery of a service', () => {
    assert.equal(drawn([serviceOf([])]), 'v [rocket] shop  not delivered yet\n    [rocket] Deliver the working tree\n');
  });

  it('shows the errors of delivery.yaml first, each with its place', () => {
    const error = { kind: 'usage' as const, message: 'unknown key “rum”', hint: 'did you mean “run”?', line: 3, column: 5 };
    const service = serviceOf([], { definitionErrors: [error] });
    assert.equal(drawn([service]), 'v [rocket] shop  not delivered yet\n    [error] delivery.yaml:3  unknown key “rum”\n');
    const row = all(pipelineRows({ services: [service], trusted: true }, later(0)))[1];
    assert.deepEqual(
      [row?.click, row?.target.place, row?.tooltip],
      ['deliver.revealStep', '3:5', 'unknown key “rum”\ndid you mean “run”?'],
    );
  });

  it('offers no delivery in Restricted Mode, and shows the reason', () => {
    assert.equal(drawn([serviceOf([])], later(0), false), 'v [rocket] shop  not delivered yet\n');
    const message = pipelineMessage({ services: [serviceOf([])], trusted: false, readiness: 'ready', environments: [] });
    assert.match(message ?? '', /^Restricted Mode: trust this folder/);
  });

  it('shows immediately that a delivery is starting', () => {
    assert.equal(drawn([serviceOf([], { starting: true })]), 'v [loading~spin] shop  starting…\n');
  });

  it('shows the running step with its elapsed and usual duration', () => {
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
    assert.match(drawn([serviceOf([run])], later(75_000)), /test {2}1 min 15 s\n/, 'an exceeded estimate is hidden');
  });

  it('shows notices about the run below it, and those about a step on its row', () => {
    const unmatched = 'test is not cached: its inputs scr/** match no file';
    const run = runOf(
      '1',
      'Add a cart',
      { type: 'notice', message: 'not delivered: the changes of a.txt' },
      { type: 'notice', step: 'test', message: unmatched },
      { type: 'step-finished', step: 'test', state: 'passed', durationMs: 2000 },
    );
    assert.match(drawn([serviceOf([run])]), /\[info\] not delivered: the changes of a\.txt\n.*build.*\n.*test {2}2 s · not cached\n/);
    const row = all(pipelineRows({ services: [serviceOf([run])], trusted: true }, later(0))).find(({ label }) => label === 'test');
    assert.ok(row?.tooltip?.endsWith(unmatched));
  });

  it('shows the address of a deployment, and marks a flaky step', () => {
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

  it('shows why a step failed, and the earlier runs', () => {
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

  it('shows a waiting run below the running one', () => {
    const waiting = { ...runOf('2', 'Remove items'), outcome: 'waiting' as const };
    const text = drawn([serviceOf([waiting, runOf('1', 'Add a cart')])]);
    assert.match(text, /shop {2}Add a cart\n/);
    assert.match(text, /> \[clock\] Remove items {2}waiting for the previous run\n/);
  });

  it('lists the manual handovers last, collapsed', () => {
    const at = { path: '.gitlab-ci.yml', line: 12, message: 'job deploy waits for a person: `when: manual`' };
    const may = { path: '.github/workflows/ci.yml', line: 3, message: 'job ship may wait', isPossible: true } as const;
    const text = (manualApprovals: NonNullable<ServiceState['manualApprovals']>) =>
      rowsAsText(pipelineRows({ services: [serviceOf([], { manualApprovals })], trusted: true }, later(0)));
    assert.doesNotMatch(text([]), /handover/);
    assert.match(
      text([at, may]),
      /^ {2}> \[person\] 1 manual handover {2}1 possible\n {6}\[go-to-file\] job deploy waits .* {2}\.gitlab-ci\.yml:12$/m,
    );
    assert.match(text([may, may]), /2 possible manual handovers$/m);
  });

  it('gives every row a unique id and a text for screen readers', () => {
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

  it('offers only the commands that apply to a row', () => {
    const rows = all(pipelineRows({ services: [serviceOf([runOf('2', 'Remove items', ...fails)])], trusted: true }, later(0)));
    const contextValues = (label: string) => rows.find((row) => row.label === label)?.contextValues;
    assert.deepEqual(contextValues('test'), ['step', 'failed', 'log', 'again']);
    assert.deepEqual(contextValues('stage'), ['step', 'skipped']);
    assert.deepEqual(contextValues('shop'), ['service', 'finished', 'failed', 'again']);
  });
});
