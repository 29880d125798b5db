import * as assert from 'node:assert/strict';
import { openGithubSource } from '../../../../../src/core/feedback/sources/github/github-source';
import { HttpClient } from '../../../../../src/core/http/http-client';
import type { FeedbackItem } from '../../../../../src/core/feedback/item';
import type { Answer, FeedbackSource, FetchState } from '../../../../../src/core/feedback/source';
import { GithubDescription } from '../../../../support/github-description';
import { TestServer, type Asked } from '../../../../support/http-server';

const never = new AbortController().signal;
const noon = Date.parse('2026-11-23T12:00:00Z');
type Items = Extract<Answer, { state: 'items' }>;

const issue = (number: number, more: object = {}): Record<string, unknown> => ({
  number,
  title: `Issue ${number}`,
  body: 'It does not work',
  state: 'open',
  created_at: '2026-11-20T08:00:00Z',
  updated_at: `2026-11-2${number % 10}T09:00:00Z`,
  closed_at: null,
  html_url: `https://github.com/acme/shop/issues/${number}`,
  user: { login: 'ada' },
  labels: [{ name: 'customer' }, { name: 'cart' }],
  assignee: null,
  reactions: { '+1': 4, total_count: 6 },
  ...more,
});

describe('issues of GitHub', () => {
  const server = new TestServer();
  let description: GithubDescription;
  before(() => {
    description = new GithubDescription();
  });
  afterEach(() => server.asked.forEach(checked));

  /** As on GitHub itself: an Enterprise server has the same API below `/api/v3`. */
  function checked(asked: Asked): string {
    assert.match(asked.path, /^\/api\/v3\//);
    return description.check({ ...asked, path: asked.path.replace('/api/v3', '') });
  }

  function source(more: { repository?: string; labels?: string[]; token?: string; now?: number } = {}): FeedbackSource {
    const { labels = ['customer'], token, now = noon } = more;
    return openGithubSource(
      { labels, url: server.url, ...(more.repository !== undefined && { repository: more.repository }) },
      new HttpClient({ proxy: 'host', retryMs: 1 }),
      async (_, host) => Promise.resolve(host === server.url ? token : undefined),
      { origin: { host: server.url, path: 'acme/shop' }, now: () => now },
    );
  }

  async function items(memory: FetchState = {}, from = source()): Promise<Items> {
    const answer = await from.fetch(memory, never);
    assert.equal(answer.state, 'items', answer.state === 'failed' ? answer.message : '');
    return answer;
  }

  /** Answers what changed at `since` or later, as GitHub does. */
  function serves(all: readonly Record<string, unknown>[], headers: Record<string, string> = {}): void {
    server.answers(({ query }) => ({
      headers,
      body: all
        .filter(({ state, updated_at }) => {
          const isMeant = query.get('state') === 'all' || query.get('state') === state;
          return isMeant && String(updated_at) >= (query.get('since') ?? '');
        })
        .sort((a, b) => (String(a['updated_at']) < String(b['updated_at']) ? 1 : -1)),
    }));
  }

  it('are named after the repository, its server and the labels; the token goes to the server of the API', () => {
    const open = (settings: object): FeedbackSource =>
      openGithubSource({ labels: ['customer'], ...settings }, new HttpClient({ proxy: 'host' }), async () => Promise.resolve(undefined), {
        origin: { host: 'https://github.com', path: 'acme/shop' },
      });
    const named = ({ name, host }: FeedbackSource): unknown => [name, host];
    assert.deepEqual(named(open({})), ['github acme/shop customer', 'https://api.github.com']);
    assert.deepEqual(named(open({ repository: 'acme/web', labels: [] })), ['github acme/web', 'https://api.github.com']);
    assert.deepEqual(named(open({ repository: 'acme/web', url: 'https://git.acme.example/' })), [
      'github git.acme.example/acme/web customer',
      'https://git.acme.example',
    ]);
  });

  it('are read with all that they tell; pull requests are none of them', async () => {
    serves([
      issue(3, { assignee: { login: 'bob' } }),
      issue(4, { pull_request: { url: 'https://api.github.com/repos/acme/shop/pulls/4' } }),
      issue(2, { state: 'closed', closed_at: '2026-11-22T09:00:00Z' }),
    ]);
    const answer = await items();
    assert.equal(answer.isComplete, true);
    assert.deepEqual(answer.items[0], {
      id: '3',
      kind: 'ticket',
      title: 'Issue 3',
      body: 'It does not work',
      createdAt: '2026-11-20T08:00:00Z',
      lastSeenAt: '2026-11-23T09:00:00Z',
      author: 'ada',
      assignee: 'bob',
      url: 'https://github.com/acme/shop/issues/3',
      count: 1,
      people: 5,
      components: ['customer', 'cart'],
      reference: '#3',
    } satisfies FeedbackItem);
    assert.deepEqual(
      answer.items.map(({ id, closedAt }) => [id, closedAt]),
      [
        ['3', undefined],
        ['2', '2026-11-22T09:00:00Z'],
      ],
    );
  });

  it('are asked for by label: first those open and those closed in the last 90 days', async () => {
    serves([issue(1)]);
    await items({}, source({ labels: ['customer', 'needs work'] }));
    assert.deepEqual(server.asked.map(checked), ['GET /repos/{owner}/{repo}/issues', 'GET /repos/{owner}/{repo}/issues']);
    assert.deepEqual(
      server.asked.map(({ query }) => Object.fromEntries(query)),
      [
        { state: 'open', labels: 'customer,needs work', sort: 'updated', direction: 'desc', per_page: '100' },
        {
          state: 'closed',
          labels: 'customer,needs work',
          sort: 'updated',
          direction: 'desc',
          per_page: '100',
          since: '2026-08-25T12:00:00Z',
        },
      ],
    );
  });

  it('are then asked for only where they changed, and none is lost', async () => {
    const all = [issue(1), issue(2)];
    serves(all);
    const first = await items();
    // In the same second as the newest that was seen.
    all.push(issue(12));
    const second = await items(first.memory);
    assert.deepEqual([second.isComplete, second.items.map(({ id }) => id).sort()], [false, ['12', '2']]);
    all.push(issue(3));
    const third = await items(second.memory);
    assert.deepEqual(third.items.map(({ id }) => id).sort(), ['12', '2', '3']);
    assert.deepEqual(
      server.asked.slice(2).map(({ query }) => [query.get('state'), query.get('since')]),
      [
        ['all', '2026-11-22T09:00:00Z'],
        ['all', '2026-11-22T09:00:00Z'],
      ],
    );
  });

  it('that change while pages are read are asked for again', async () => {
    serves([issue(3)], { Date: 'Sun, 22 Nov 2026 10:00:00 GMT' });
    assert.equal((await items()).memory?.['since'], '2026-11-22T10:00:00Z');
  });

  it('are all asked for again after a day, so that what left is seen to be gone', async () => {
    serves([issue(1)]);
    const { memory } = await items();
    const later = await items(memory, source({ now: noon + 25 * 3_600_000 }));
    assert.equal(later.isComplete, true);
    assert.equal(server.asked.length, 4);
  });

  it('cost nothing where nothing changed', async () => {
    const tag = 'W/"abc"';
    serves([issue(1)], { ETag: tag });
    const first = await items();
    const second = await items(first.memory);
    server.answers(({ headers }) => (headers['if-none-match'] === tag ? { status: 304, headers: { ETag: tag } } : { status: 500 }));
    assert.deepEqual(await source().fetch(second.memory ?? {}, never), { state: 'unchanged' });
    // The tag was that of another question.
    assert.equal(first.memory?.['etag'], undefined);
  });

  describe('on several pages', () => {
    /** Each page links to the next, with the whole query as GitHub does. */
    function pages(
      count: number,
      next = (page: number): string => `${server.url}/api/v3/repos/acme/shop/issues?state=open&page=${page + 1}`,
    ): void {
      server.answers(({ query }) => {
        if (query.get('state') === 'closed') return { body: [] };
        const page = Number(query.get('page') ?? '1');
        const link = `<${next(page)}>; rel="next", <${server.url}/last>; rel="last"`;
        return { body: [issue(page)], headers: page < count ? { Link: link } : {} };
      });
    }

    it('are read one after the other', async () => {
      pages(3);
      const answer = await items();
      assert.deepEqual([answer.items.map(({ id }) => id), answer.isComplete, answer.warning], [['1', '2', '3'], true, undefined]);
    });

    it('stop where a page points to itself, and that is said', async () => {
      pages(9, () => `${server.url}/api/v3/repos/acme/shop/issues?state=open&page=1`);
      const answer = await items();
      assert.equal(answer.isComplete, false);
      assert.match(answer.warning ?? '', /what follows page 2 was not read: it leads back to a page that was read before/);
      assert.ok(server.asked.length <= 3);
    });

    it('stop where a page is at another host, which never sees the token', async () => {
      pages(9, () => 'http://elsewhere.invalid/issues?page=2');
      const answer = await items({}, source({ token: 'secret-of-the-test' }));
      assert.deepEqual(
        [answer.items.length, answer.isComplete, answer.warning],
        [
          1,
          false,
          `github 127.0.0.1:${server.port}/acme/shop customer: what follows page 1 was not read: it is at another host, elsewhere.invalid`,
        ],
      );
    });

    it('stop after 20', async () => {
      pages(1000);
      const answer = await items();
      assert.equal(answer.items.length, 20);
      assert.match(answer.warning ?? '', /no more than 20 pages are read at once/);
    });

    it('are no answer where one of them fails: what is known stands', async () => {
      server.answers(({ query }) =>
        query.get('page') === '2'
          ? { status: 403, headers: { 'x-ratelimit-remaining': '0', 'retry-after': '60' } }
          : { body: [issue(1)], headers: { Link: `<${server.url}/api/v3/repos/acme/shop/issues?page=2>; rel="next"` } },
      );
      const answer = await source().fetch({}, never);
      assert.equal(answer.state === 'failed' && answer.reason, 'limit');
    });
  });

  it('send their token where there is one', async () => {
    serves([]);
    await items({}, source({ token: 'secret-of-the-test' }));
    await items();
    assert.deepEqual(
      server.asked.map(({ headers }) => headers.authorization),
      ['Bearer secret-of-the-test', 'Bearer secret-of-the-test', undefined, undefined],
    );
  });

  it('that cannot be read are named, and the others kept as well as those known before', async () => {
    serves([issue(1), issue(2, { title: null }), { updated_at: '2026', state: 'open' }, issue(3)]);
    const answer = await items();
    assert.deepEqual(answer.items.map(({ id }) => id).sort(), ['1', '3']);
    assert.equal(answer.isComplete, false);
    assert.match(answer.warning ?? '', /: #2 has no title, an issue has no number|: an issue has no number, #2 has no title/);
  });

  for (const [what, reply, words] of [
    [
      'a web page',
      { body: '<!DOCTYPE html><title>Sign in</title>', headers: { 'Content-Type': 'text/html' } },
      /a web page \(HTML\) instead of JSON/,
    ],
    ['half a JSON', { body: '[{"number": 1, "tit' }, /JSON that is broken or breaks off after 19 characters/],
    ['an object', { body: { message: 'hello' } }, /something that is no list of issues/],
    ['nothing', { body: '' }, /answered nothing/],
    ['a 500', { status: 500, body: 'oops' }, /answered 500 Internal Server Error for \/api\/v3\/repos\/acme\/shop\/issues/],
  ] as const)
    it(`say so when ${what} comes instead`, async () => {
      server.answers(() => reply);
      const answer = await source().fetch({}, never);
      assert.deepEqual(answer.state === 'failed' && answer.reason, 'answer');
      assert.match(answer.state === 'failed' ? answer.message : '', words);
    });

  it('say which repository is meant where nothing tells', async () => {
    const lost = openGithubSource({ labels: [] }, new HttpClient({ proxy: 'host' }), async () => Promise.resolve(undefined), {
      origin: { host: 'https://gitlab.com', path: 'acme/shop' },
    });
    const answer = await lost.fetch({}, never);
    assert.equal(answer.state === 'failed' && answer.message, 'origin is no repository of https://github.com');
    assert.match(JSON.stringify(await source({ repository: '../user' }).fetch({}, never)), /is not owner\/name/);
    assert.equal(server.asked.length, 0);
  });

  describe('can be', () => {
    const item: FeedbackItem = { id: '3', kind: 'ticket', title: 'Issue 3', createdAt: '2026-11-20T08:00:00Z', count: 1 };

    it('resolved', async () => {
      server.answers(() => ({ body: issue(3, { state: 'closed' }) }));
      assert.deepEqual(await source({ token: 'secret-of-the-test' }).actions.resolve?.(item), { ok: true, value: 'GitHub closed #3' });
      assert.deepEqual(server.asked.map(checked), ['PATCH /repos/{owner}/{repo}/issues/{issue_number}']);
      assert.deepEqual(server.asked[0]?.body, { state: 'closed', state_reason: 'completed' });
    });

    it('assigned to me', async () => {
      server.answers(({ path }) =>
        path.endsWith('/user') ? { body: { login: 'bob' } } : { status: 201, body: issue(3, { assignees: [{ login: 'bob' }] }) },
      );
      assert.deepEqual(await source({ token: 'secret-of-the-test' }).actions.assignToMe?.(item), {
        ok: true,
        value: 'GitHub assigned #3 to bob',
      });
      assert.deepEqual(server.asked.map(checked), ['GET /user', 'POST /repos/{owner}/{repo}/issues/{issue_number}/assignees']);
    });

    it('left unassigned by GitHub, which says nothing of it', async () => {
      server.answers(({ path }) =>
        path.endsWith('/user') ? { body: { login: 'bob' } } : { status: 201, body: issue(3, { assignees: [] }) },
      );
      const result = await source().actions.assignToMe?.(item);
      assert.equal(result?.ok === false && result.failure.message, 'GitHub did not assign #3 to bob');
    });

    it('answered', async () => {
      server.answers(() => ({ status: 201, body: { html_url: 'https://github.com/acme/shop/issues/3#issuecomment-1' } }));
      const result = await source().actions.reply?.(item, 'Fixed in the next delivery');
      assert.equal(result?.ok && result.value, 'GitHub added a comment to #3: https://github.com/acme/shop/issues/3#issuecomment-1');
      assert.deepEqual(server.asked.map(checked), ['POST /repos/{owner}/{repo}/issues/{issue_number}/comments']);
      assert.deepEqual(server.asked[0]?.body, { body: 'Fixed in the next delivery' });
    });

    it('refused by GitHub, in its own words', async () => {
      server.answers(() => ({ status: 403, body: { message: 'Must have admin rights to Repository.' } }));
      const result = await source({ token: 'secret-of-the-test' }).actions.resolve?.(item);
      assert.match(result?.ok === false ? result.failure.message : '', /does not let this token do that \(403\): Must have admin rights/);
      assert.equal(server.asked.length, 1);
    });
  });
});
