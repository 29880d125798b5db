import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { Inbox } from '../../../../src/core/feedback/inbox';
import type { FeedbackItem } from '../../../../src/core/feedback/item';
import type { Answer, FeedbackSource, FetchState } from '../../../../src/core/feedback/source';
import { temporaryFolder } from '../../../support/temporary';

const item = (id: string, more: Partial<FeedbackItem> = {}): FeedbackItem => ({
  id,
  kind: 'comment',
  title: `Item ${id}`,
  createdAt: '2026-11-23T11:00:00.000Z',
  count: 1,
  ...more,
});
const all = (items: FeedbackItem[], more: Partial<Extract<Answer, { state: 'items' }>> = {}): Answer => ({
  state: 'items',
  items,
  isComplete: true,
  ...more,
});
const offline: Answer = { state: 'failed', reason: 'offline', message: 'example.com could not be reached' };
const noon = Date.parse('2026-11-23T12:00:00Z');
const never = new AbortController().signal;

/** A source that returns a test's answers in sequence. */
class Scripted implements FeedbackSource {
  readonly name = 'script';
  readonly kind = 'http';
  readonly actions = {};
  readonly asked: FetchState[] = [];

  constructor(private readonly answers: Answer[]) {}

  async fetch(memory: FetchState): Promise<Answer> {
    this.asked.push(memory);
    const answer = this.answers.shift();
    assert.ok(answer, 'it was asked more often than the test expects');
    return Promise.resolve(answer);
  }
}

describe('Inbox', () => {
  const folder = temporaryFolder();
  const inbox = (...answers: Answer[]): { inbox: Inbox; source: Scripted } => {
    const source = new Scripted(answers);
    return { inbox: new Inbox(path.join(folder.path, 'feedback'), source), source };
  };
  const titles = (state: { items: readonly FeedbackItem[] }): string[] => state.items.map(({ title }) => title);
  afterEach(() => fs.rmSync(path.join(folder.path, 'feedback'), { recursive: true, force: true }));

  it('keeps items and reports the failure while the source is unreachable', async () => {
    const { inbox: here } = inbox(all([item('1')]), offline);
    await here.refresh(0, never, noon);
    const state = await here.refresh(0, never, noon + 60_000);
    assert.deepEqual(titles(state), ['Item 1']);
    assert.equal(state.fetchedAt, '2026-11-23T12:00:00.000Z');
    assert.equal(state.failure?.message, 'example.com could not be reached');
  });

  it('shares items with other windows and after a reload', async () => {
    await inbox(all([item('1')])).inbox.refresh(0, never, noon);
    assert.deepEqual(titles(inbox().inbox.state()), ['Item 1']);
  });

  it('does not fetch within the maximum age or before the retry time', async () => {
    const limited: Answer = { state: 'failed', reason: 'limit', message: 'too often', retryAt: '2026-11-23T12:10:00Z' };
    const { inbox: here, source } = inbox(all([item('1')]), limited, all([]));
    await here.refresh(0, never, noon);
    await here.refresh(60_000, never, noon + 30_000);
    assert.equal(source.asked.length, 1);
    await here.refresh(60_000, never, noon + 61_000);
    await here.refresh(0, never, noon + 300_000);
    assert.equal(source.asked.length, 2);
    await here.refresh(0, never, noon + 601_000);
    assert.equal(source.asked.length, 3);
  });

  it('replaces items by a complete answer and adds those of a partial one', async () => {
    const { inbox: here } = inbox(all([item('1'), item('2')]), all([item('3')], { isComplete: false }), all([item('2', { title: 'Two' })]));
    await here.refresh(0, never, noon);
    assert.deepEqual(titles(await here.refresh(0, never, noon + 1)), ['Item 1', 'Item 2', 'Item 3']);
    assert.deepEqual(titles(await here.refresh(0, never, noon + 2)), ['Two']);
  });

  it('passes the saved state to the next fetch', async () => {
    const { inbox: here, source } = inbox(all([], { memory: { etag: 'a' } }), { state: 'unchanged' }, all([]));
    for (const after of [0, 1, 2]) await here.refresh(0, never, noon + after);
    assert.deepEqual(source.asked, [{}, { etag: 'a' }, { etag: 'a' }]);
  });

  it('keeps the later of two items with the same id', async () => {
    const { inbox: here } = inbox(all([item('1'), item('1', { title: 'Again' })]));
    assert.deepEqual(titles(await here.refresh(0, never, noon)), ['Again']);
  });

  it('keeps the first fetch time of an item without a date', async () => {
    const undated = item('1', { createdAt: 'soon' });
    const { inbox: here } = inbox(all([undated]), all([undated]));
    await here.refresh(0, never, noon);
    const [later] = (await here.refresh(0, never, noon + 3_600_000)).items;
    assert.deepEqual([later?.createdAt, later?.undated], ['2026-11-23T12:00:00.000Z', true]);
  });

  it('fetches everything again after the file was damaged', async () => {
    await inbox(all([item('1')], { memory: { etag: 'a' } })).inbox.refresh(0, never, noon);
    const [name = ''] = fs.readdirSync(path.join(folder.path, 'feedback'));
    fs.truncateSync(path.join(folder.path, 'feedback', name), 20);
    const { inbox: here, source } = inbox(all([item('1')]));
    assert.deepEqual(here.state().items, []);
    await here.refresh(0, never, noon + 1);
    assert.deepEqual(source.asked, [{}]);
  });

  it('shows items even if the file cannot be written', async () => {
    fs.writeFileSync(path.join(folder.path, 'feedback'), 'in the way');
    const { inbox: here } = inbox(all([item('1')]));
    await here.refresh(0, never, noon);
    assert.deepEqual(titles(here.state()), ['Item 1']);
  });

  it('drops items that were closed long ago', async () => {
    const old = item('1', { createdAt: '2026-01-01T00:00:00Z', closedAt: '2026-02-01T00:00:00Z' });
    const { inbox: here } = inbox(all([old, item('2', { closedAt: '2026-11-22T00:00:00Z' })]));
    assert.deepEqual(titles(await here.refresh(0, never, noon)), ['Item 2']);
  });
});
