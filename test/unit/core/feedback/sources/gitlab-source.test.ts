import * as assert from 'node:assert/strict';
import { openGitlabSource } from '../../../../../src/core/feedback/sources/gitlab/gitlab-source';
import { HttpClient } from '../../../../../src/core/http/http-client';
import type { FeedbackItem } from '../../../../../src/core/feedback/item';
import type { Answer, FeedbackSource, FetchState } from '../../../../../src/core/feedback/source';
import { only, TestServer } from '../../../../support/http-server';

const never = new AbortController().signal;
const noon = Date.parse('2026-11-23T12:00:00Z');
const token = 'secret-token-of-the-test';

const issue = (iid: number, more: object = {}): Record<string, unknown> => ({
  id: 1000 + iid,
  iid,
  title: `Issue ${iid}`,
  description: 'It does not work',
  state: 'opened',
  created_at: '2026-11-20T08:00:00.000Z',
  updated_at: `2026-11-2${iid}T09:00:00.123Z`,
  closed_at: null,
  web_url: `https://gitlab.com/acme/shop/-/issues/${iid}`,
  author: { id: 7, username: 'ada' },
  assignees: [],
  labels: ['customer', 'cart'],
  upvotes: 2,
  ...more,
});

describe('the GitLab source', () => {
  const server = new TestServer();
  const other = new TestServer();

  function source(labels: string[] = ['customer']): FeedbackSource {
    return openGitlabSource(
      { project: 'acme/web/shop', labels, url: server.url },
      new HttpClient({ proxy: 'host', retryMs: 1 }),
      async (kind, host) => Promise.resolve(kind === 'gitlab' && host === server.url ? token : undefined),
      { origin: undefined, now: () => noon },
    );
  }

  async function items(memory: FetchState = {}): Promise<Extract<Answer, { state: 'items' }>> {
    const answer = await source().fetch(memory, never);
    assert.equal(answer.state, 'items', answer.state === 'failed' ? answer.message : '');
    return answer;
  }

  it("uses the origin's project by default", () => {
    const opened = openGitlabSource({ labels: [] }, new HttpClient({ proxy: 'host' }), async () => Promise.resolve(undefined), {
      origin: { host: 'https://gitlab.com', path: 'acme/web/shop' },
    });
    assert.deepEqual([opened.name, opened.host], ['gitlab acme/web/shop', 'https://gitlab.com']);
  });

  it('sends the token as a bearer token, as OAuth tokens are', async () => {
    server.answers(() => ({ body: [] }));
    await items();
    const [open, closed] = server.asked;
    assert.equal(open?.target.split('?')[0], '/api/v4/projects/acme%2Fweb%2Fshop/issues');
    assert.equal(open?.headers.authorization, `Bearer ${token}`);
    const common = { labels: 'customer', order_by: 'updated_at', sort: 'desc', scope: 'all', per_page: '100' };
    assert.deepEqual(Object.fromEntries(open?.query ?? []), { ...common, state: 'opened' });
    assert.deepEqual(Object.fromEntries(closed?.query ?? []), { ...common, state: 'closed', updated_after: '2026-08-25T12:00:00Z' });
  });

  it('never sends the token to another host after a redirect', async () => {
    server.answers(() => ({ status: 302, headers: { Location: other.url } }));
    other.answers(() => ({ body: [] }));
    await items();
    assert.equal(other.asked.length, 2);
    assert.ok(!JSON.stringify(other.asked.map(({ headers }) => headers)).includes(token));
  });

  it('reads all fields of issues', async () => {
    server.answers(({ query }) => ({
      body:
        query.get('state') === 'opened'
          ? [issue(3, { assignees: [{ username: 'bob' }], closed_at: '2026-11-21T00:00:00Z' })]
          : [issue(2, { state: 'closed' })],
    }));
    const answer = await items();
    assert.deepEqual(answer.items[0], {
      id: '3',
      kind: 'ticket',
      title: 'Issue 3',
      body: 'It does not work',
      createdAt: '2026-11-20T08:00:00.000Z',
      lastSeenAt: '2026-11-23T09:00:00.123Z',
      author: 'ada',
      assignee: 'bob',
      url: 'https://gitlab.com/acme/shop/-/issues/3',
      count: 1,
      people: 3,
      components: ['customer', 'cart'],
      reference: '#3',
    } satisfies FeedbackItem);
    assert.equal(answer.items[1]?.closedAt, '2026-11-22T09:00:00.123Z');
    assert.equal(answer.isComplete, true);
  });

  it('then fetches only changed issues, page by page', async () => {
    server.answers(({ query }) => ({ body: query.get('state') === 'opened' ? [issue(2)] : [] }));
    const { memory } = await items();
    server.asked.length = 0;
    server.answers(({ query }) =>
      query.get('page') === '2'
        ? { body: [issue(2)] }
        : { body: [issue(3)], headers: { Link: `<${server.url}/api/v4/projects/acme%2Fweb%2Fshop/issues?page=2>; rel="next"` } },
    );
    const answer = await items(memory);
    assert.deepEqual([answer.items.map(({ id }) => id), answer.isComplete], [['3', '2'], false]);
    assert.deepEqual([server.asked[0]?.query.get('state'), server.asked[0]?.query.get('updated_after')], ['all', '2026-11-22T09:00:00Z']);
    assert.equal(answer.memory?.['since'], '2026-11-23T09:00:00Z');
  });

  it('sends conditional requests', async () => {
    server.answers(() => ({ status: 304 }));
    const memory = { since: '2026-11-22T09:00:00Z', fullAt: '2026-11-23T11:00:00.000Z', etag: 'W/"1"' };
    assert.deepEqual(await source().fetch(memory, never), { state: 'unchanged' });
    assert.equal(only(server.asked).headers['if-none-match'], 'W/"1"');
  });

  it('waits for the time that GitLab requests', async () => {
    server.answers(() => ({ status: 429, headers: { 'Retry-After': '60', 'RateLimit-Remaining': '0' }, body: 'Retry later' }));
    const answer = await source().fetch({}, never);
    assert.equal(answer.state === 'failed' && answer.reason, 'limit');
    only(server.asked);
  });

  describe('actions', () => {
    const item: FeedbackItem = { id: '3', kind: 'ticket', title: 'Issue 3', createdAt: '2026-11-20T08:00:00Z', count: 1 };
    const asked = (): unknown[] =>
      server.asked.map(({ method, target, body }) => [method, target.replace(/^.*(?=\/(?:issues|user))/, ''), body]);

    it('resolves an issue', async () => {
      server.answers(() => ({ body: issue(3, { state: 'closed' }) }));
      assert.deepEqual(await source().actions.resolve?.(item), { ok: true, value: 'GitLab closed #3' });
      assert.deepEqual(asked(), [['PUT', '/issues/3', { state_event: 'close' }]]);
    });

    it('assigns an issue to the owner of the token', async () => {
      const bob = { id: 5, username: 'bob' };
      server.answers(({ path }) => ({ body: path.endsWith('/user') ? bob : issue(3, { assignees: [bob] }) }));
      assert.deepEqual(await source().actions.assignToMe?.(item), { ok: true, value: 'GitLab assigned #3 to bob' });
      assert.deepEqual(asked(), [
        ['GET', '/user', undefined],
        ['PUT', '/issues/3', { assignee_ids: [5] }],
      ]);
    });

    it('adds a comment', async () => {
      server.answers(() => ({ status: 201, body: { id: 1, body: 'Fixed' } }));
      assert.deepEqual(await source().actions.reply?.(item, 'Fixed'), { ok: true, value: 'GitLab added a comment to #3' });
      assert.deepEqual(asked(), [['POST', '/issues/3/notes', { body: 'Fixed' }]]);
    });

    it("reports GitLab's error message", async () => {
      server.answers(() => ({ status: 403, body: { message: '403 Forbidden' } }));
      const result = await source().actions.resolve?.(item);
      assert.match(result?.ok === false ? result.failure.message : '', /does not let this token do that \(403\): 403 Forbidden/);
    });
  });
});
