import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { FileSource } from '../../../../../src/core/feedback/sources/file/file-source';
import type { Answer } from '../../../../../src/core/feedback/source';
import { temporaryFolder } from '../../../../support/temporary';

describe('a file of feedback', () => {
  const folder = temporaryFolder();
  const file = (): string => path.join(folder.path, 'feedback.jsonl');
  const source = (mayBeAbsent = false): FileSource =>
    new FileSource({ name: 'file feedback.jsonl', file: file(), within: folder.path, environment: 'staging', mayBeAbsent });
  const write = (...lines: unknown[]): void =>
    fs.writeFileSync(file(), lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''));
  const items = (answer: Answer): Extract<Answer, { state: 'items' }> => {
    assert.equal(answer.state, 'items');
    return answer;
  };
  const slow = { id: '1', kind: 'comment', title: 'Slow', createdAt: '2026-11-23T11:00:00Z' };

  it('holds an item a line', async () => {
    write(slow, {
      ...slow,
      id: '2',
      kind: 'error',
      commit: 'abc',
      component: 'cart',
      environment: 'production',
      frames: [{ path: 'src/cart.js', line: 3, column: 7, function: 'add', inApp: true }],
    });
    const [one, two] = items(await source().fetch({})).items;
    assert.deepEqual(one, { ...slow, count: 1, environment: 'staging' });
    assert.equal(two?.release, 'abc');
    assert.equal(two.environment, 'production');
    assert.deepEqual(two.components, ['cart']);
    assert.deepEqual(two.frames, [{ file: 'src/cart.js', line: 3, column: 7, function: 'add', inApp: true }]);
  });

  it('replaces an item by a later line, and closes it by one that says so', async () => {
    write(slow, { ...slow, title: 'Very slow' }, { ...slow, id: '2' }, { id: '2', closedAt: '2026-11-23T12:00:00Z' });
    const [one, two] = items(await source().fetch({})).items;
    assert.equal(one?.title, 'Very slow');
    assert.equal(two?.closedAt, '2026-11-23T12:00:00Z');
  });

  it('names the lines that it cannot read and keeps the others', async () => {
    write('<html>', '[1]', { id: '3' }, { title: 'x' }, { ...slow, kind: 'praise' }, slow);
    const answer = items(await source().fetch({}));
    assert.equal(answer.items.length, 1);
    assert.equal(answer.warning, 'file feedback.jsonl: line 1 is no JSON, line 2 is no JSON object, line 3 has no title, and 2 more');
  });

  it('waits for the end of a line that is still being written', async () => {
    write(slow);
    fs.appendFileSync(file(), '{"id": "2", "kind": "com');
    const answer = items(await source().fetch({}));
    assert.deepEqual([answer.items.length, answer.warning], [1, undefined]);
  });

  it('is read again only when it changed', async () => {
    write(slow);
    const { memory = {} } = items(await source().fetch({}));
    assert.equal((await source().fetch(memory)).state, 'unchanged');
    fs.appendFileSync(file(), `${JSON.stringify({ ...slow, id: '2' })}\n`);
    assert.equal(items(await source().fetch(memory)).items.length, 2);
  });

  it('that is not there says so, unless it comes with the first item', async () => {
    fs.rmSync(file(), { force: true });
    const missing = await source().fetch({});
    assert.deepEqual([missing.state, missing.state === 'failed' && missing.message], ['failed', `there is no file ${file()}`]);
    assert.deepEqual(items(await source(true).fetch({})).items, []);
  });

  it('is not read where it leads out of the repository', async () => {
    const outside = temporaryFile();
    fs.rmSync(file(), { force: true });
    fs.symlinkSync(outside, file());
    const answer = await source().fetch({});
    assert.equal(answer.state, 'failed');
    assert.match((answer as { message: string }).message, /leads out of/);
    assert.equal((await source().actions.resolve({ ...slow, kind: 'comment', count: 1 })).ok, false);
    fs.rmSync(file());
    fs.rmSync(path.dirname(outside), { recursive: true });
  });

  it('is closed by an appended line, also after a torn one', async () => {
    write(slow);
    fs.appendFileSync(file(), '{"id": "2"');
    assert.deepEqual(await source().actions.resolve({ ...slow, kind: 'comment', count: 1 }), {
      ok: true,
      value: 'closed in file feedback.jsonl',
    });
    const answer = items(await source().fetch({}));
    assert.ok(answer.items[0]?.closedAt);
    assert.match(answer.warning ?? '', /line 2 is no JSON$/);
  });

  function temporaryFile(): string {
    const outside = fs.mkdtempSync(path.join(path.dirname(folder.path), 'deliver-outside-'));
    fs.writeFileSync(path.join(outside, 'x.jsonl'), `${JSON.stringify(slow)}\n`);
    return path.join(outside, 'x.jsonl');
  }
});
