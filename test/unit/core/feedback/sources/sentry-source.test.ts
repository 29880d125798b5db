import * as assert from 'node:assert/strict';
import { HttpClient } from '../../../../../src/core/http/http-client';
import type { FeedbackItem } from '../../../../../src/core/feedback/item';
import { openSentrySource } from '../../../../../src/core/feedback/sources/sentry/sentry-source';
import type { Answer, FeedbackSource, FetchState } from '../../../../../src/core/feedback/source';
import { TestServer, type Asked, type Reply } from '../../../../support/http-server';

const never = new AbortController().signal;
const token = 'secret-token-of-the-test';
type Items = Extract<Answer, { state: 'items' }>;

const issue = (id: string, more: object = {}): object => ({
  id,
  shortId: `SHOP-${id}`,
  title: `TypeError: ${id}`,
  culprit: 'add(cart)',
  status: 'unresolved',
  issueCategory: 'error',
  metadata: { type: 'TypeError', value: 'total is undefined' },
  count: '12',
  userCount: 3,
  firstSeen: '2026-11-20T08:00:00.000Z',
  lastSeen: '2026-11-22T08:00:00.000Z',
  permalink: `https://acme.sentry.io/issues/${id}/`,
  ...more,
});

const event = {
  eventID: 'e1',
  tags: [
    { key: 'environment', value: 'production' },
    { key: 'release', value: 'shop@1.2.3' },
  ],
  entries: [
    { type: 'breadcrumbs', data: { values: [] } },
    {
      type: 'exception',
      data: {
        values: [
          { type: 'Error', value: 'no price', stacktrace: { frames: [{ filename: 'src/price.ts', lineNo: 7, inApp: true }] } },
          {
            type: 'TypeError',
            value: 'total is undefined',
            stacktrace: {
              frames: [
                {
                  filename: 'node_modules/express/index.js',
                  absPath: '/app/node_modules/express/index.js',
                  lineNo: 4,
                  function: 'next',
                  inApp: false,
                },
                { filename: 'src/server.ts', lineNo: 20, colNo: 3, function: 'handle', inApp: true },
                { filename: 'src/cart.ts', lineNo: 11, colNo: 9, function: 'add', inApp: true },
              ],
            },
          },
        ],
      },
    },
  ],
};

describe('the Sentry source', () => {
  const server = new TestServer();
  let replies: Record<string, (asked: Asked) => Reply>;

  /** Answers like Sentry for a project with two issues, by the end of the path. */
  beforeEach(() => {
    replies = {
      '/projects/acme/shop/': () => ({ body: { id: '42', slug: 'shop' } }),
      '/organizations/acme/issues/': ({ query }) => ({ body: query.get('query')?.includes('feedback') ? [] : [issue('1'), issue('2')] }),
      '/projects/acme/shop/user-feedback/': () => ({ body: [] }),
      '/organizations/acme/issues/1/events/recommended/': () => ({ body: event }),
      '/organizations/acme/issues/2/events/recommended/': () => ({ body: { tags: [], entries: [] } }),
      '/organizations/acme/releases/shop%401.2.3/commits/': () => ({ body: [{ id: 'b'.repeat(40) }, { id: 'a'.repeat(40) }] }),
    };
    server.answers(
      (asked) =>
        replies[asked.path.replace('/api/0', '')]?.(asked) ?? { status: 404, body: { detail: 'The requested resource does not exist' } },
    );
  });

  function source(more: { project?: string; environment?: string; query?: string } = {}): FeedbackSource {
    return openSentrySource(
      { organization: 'acme', project: 'shop', url: server.url, ...more },
      new HttpClient({ proxy: 'host', retryMs: 1 }),
      async (_, host) => Promise.resolve(host === server.url ? token : undefined),
    );
  }

  async function items(memory: FetchState = {}, from = source()): Promise<Items> {
    const answer = await from.fetch(memory, never);
    assert.equal(answer.state, 'items', answer.state === 'failed' ? answer.message : '');
    return answer;
  }

  const paths = (): string[] => server.asked.map(({ path }) => path.replace('/api/0', ''));
  const list = (reply: (asked: Asked) => Reply): void => {
    replies['/organizations/acme/issues/'] = (asked) => (asked.query.get('query')?.includes('feedback') ? { body: [] } : reply(asked));
  };

  it("reads the recommended event's stack, innermost frame first, and the release's commits", async () => {
    const answer = await items();
    assert.deepEqual([answer.isComplete, answer.warning, answer.items.length], [true, undefined, 2]);
    assert.deepEqual(answer.items[0], {
      id: '1',
      kind: 'error',
      title: 'TypeError: 1',
      body: 'total is undefined\nin add(cart)',
      createdAt: '2026-11-20T08:00:00.000Z',
      lastSeenAt: '2026-11-22T08:00:00.000Z',
      count: 12,
      people: 3,
      url: 'https://acme.sentry.io/issues/1/',
      reference: 'SHOP-1',
      release: 'shop@1.2.3',
      releaseCommits: ['b'.repeat(40), 'a'.repeat(40)],
      environment: 'production',
      frames: [
        { file: 'src/cart.ts', line: 11, column: 9, function: 'add', inApp: true },
        { file: 'src/server.ts', line: 20, column: 3, function: 'handle', inApp: true },
        { file: 'node_modules/express/index.js', line: 4, function: 'next', inApp: false },
        { file: 'src/price.ts', line: 7, inApp: true },
      ],
    } satisfies FeedbackItem);
    assert.ok(server.asked.every(({ headers }) => headers.authorization === `Bearer ${token}`));
  });

  it('filters by project number, environment and query', async () => {
    await items({}, source({ environment: 'production', query: 'level:fatal' }));
    assert.equal(paths()[0], '/projects/acme/shop/');
    assert.deepEqual(Object.fromEntries(server.asked[1]?.query ?? []), {
      project: '42',
      environment: 'production',
      query: 'level:fatal',
      statsPeriod: '90d',
      limit: '100',
    });
    server.asked.length = 0;
    await items({}, source({ project: '42' }));
    assert.deepEqual([paths()[0], server.asked[0]?.query.get('query')], ['/organizations/acme/issues/', 'is:unresolved']);
  });

  it('has a name with organization, project and filters', () => {
    const { name, host } = source({ environment: 'production' });
    assert.deepEqual([name, host], [`sentry 127.0.0.1:${server.port}/acme/shop production`, server.url]);
    const open = openSentrySource({ organization: 'acme', project: 'shop' }, new HttpClient({ proxy: 'host' }), async () =>
      Promise.resolve(undefined),
    );
    assert.deepEqual([open.name, open.host], ['sentry acme/shop', 'https://sentry.io']);
  });

  it('does not fetch unchanged issues again and keeps their stacks', async () => {
    const first = await items();
    server.asked.length = 0;
    list(() => ({ body: [issue('1'), issue('2', { count: '13' })] }));
    const second = await items(first.memory);
    assert.deepEqual(second.items[0], first.items[0]);
    assert.deepEqual(
      paths().filter((path) => !path.endsWith('/issues/') && !path.endsWith('/user-feedback/')),
      ['/organizations/acme/issues/2/events/recommended/'],
    );
  });

  it('fetches the details of at most 25 issues at a time', async () => {
    list(() => ({ body: Array.from({ length: 30 }, (_, index) => issue(String(100 + index))) }));
    for (let id = 100; id < 130; id++) replies[`/organizations/acme/issues/${id}/events/recommended/`] = () => ({ body: event });
    const first = await items();
    const withStack = ({ items }: Items): number => items.filter(({ frames }) => frames).length;
    assert.deepEqual([first.items.length, withStack(first)], [30, 25]);
    assert.equal(withStack(await items(first.memory)), 30);
  });

  it('falls back to the latest event on older servers', async () => {
    delete replies['/organizations/acme/issues/1/events/recommended/'];
    replies['/issues/1/events/latest/'] = () => ({ body: event });
    assert.equal((await items()).items[0]?.frames?.[0]?.file, 'src/cart.ts');
  });

  it('keeps issues whose events were deleted', async () => {
    delete replies['/organizations/acme/issues/1/events/recommended/'];
    const answer = await items();
    assert.deepEqual([answer.items[0]?.title, answer.items[0]?.frames, answer.isComplete], ['TypeError: 1', undefined, true]);
    server.asked.length = 0;
    await items(answer.memory);
    assert.ok(!paths().some((path) => path.includes('/events/')));
  });

  it('keeps known details after a rate limit', async () => {
    const first = await items();
    list(() => ({ body: [issue('1', { count: '20' }), issue('2', { count: '20' })] }));
    replies['/organizations/acme/issues/1/events/recommended/'] = () => ({
      status: 429,
      headers: { 'X-Sentry-Rate-Limit-Reset': '9999999999' },
    });
    const second = await items(first.memory);
    assert.deepEqual([second.items[0]?.count, second.items[0]?.frames], [20, first.items[0]?.frames]);
    assert.match(second.warning ?? '', /some stacks or releases are missing: 127\.0\.0\.1:\d+ limits the request rate \(429\)/);
    assert.equal(second.isComplete, true);
  });

  it('continues after a failed issue', async () => {
    replies['/organizations/acme/issues/1/events/recommended/'] = () => ({ status: 500, body: { detail: 'Internal Error' } });
    replies['/organizations/acme/issues/2/events/recommended/'] = () => ({ body: event });
    const answer = await items();
    assert.deepEqual(
      answer.items.map(({ frames }) => frames?.length),
      [undefined, 4],
    );
    assert.match(answer.warning ?? '', /some stacks or releases are missing: .* answered 500 Internal Server Error/);
  });

  it('derives the folder of JVM files from the module', async () => {
    const frames = [{ filename: 'Cart.java', module: 'com.acme.shop.Cart', lineNo: 5, inApp: true }];
    replies['/organizations/acme/issues/1/events/recommended/'] = () => ({
      body: { entries: [{ type: 'exception', data: { values: [{ stacktrace: { frames } }, { stacktrace: null }] } }] },
    });
    assert.deepEqual((await items()).items[0]?.frames, [{ file: 'com/acme/shop/Cart.java', line: 5, inApp: true }]);
  });

  describe('pages', () => {
    /** Links name another host of the same service, as on sentry.io. */
    const link = (page: number, results: boolean): string =>
      `<https://us.sentry.invalid/api/0/organizations/acme/issues/?cursor=0:0:1>; rel="previous"; results="false"; cursor="0:0:1", ` +
      `<https://us.sentry.invalid/api/0/organizations/acme/issues/?cursor=0:${page}:0>; rel="next"; results="${results}"; cursor="0:${page}:0"`;

    it('reads pages until one has no successor', async () => {
      list(({ query }) => {
        const page = Number(query.get('cursor')?.split(':')[1] ?? '0');
        return { body: [issue(String(page + 1))], headers: { Link: link(page + 1, page < 2) } };
      });
      const answer = await items();
      assert.deepEqual([answer.items.map(({ id }) => id), answer.isComplete], [['1', '2', '3'], true]);
      const last = server.asked.filter(({ path, query }) => path.endsWith('/issues/') && query.has('cursor')).at(-1);
      assert.deepEqual([last?.query.get('cursor'), last?.query.get('project')], ['0:2:0', '42']);
    });

    it('stops after five pages and fetches resolved issues separately', async () => {
      list(({ query }) => {
        if (query.get('query') === 'is:resolved') return { body: [issue('77', { status: 'resolved' })] };
        const page = Number(query.get('cursor')?.split(':')[1] ?? '0');
        return { body: [issue(String(page + 1))], headers: { Link: link(page + 1, true) } };
      });
      const answer = await items();
      assert.deepEqual([answer.items.length, answer.isComplete], [6, false]);
      assert.deepEqual(
        answer.items.filter(({ closedAt }) => closedAt !== undefined).map(({ id }) => id),
        ['77'],
      );
      assert.ok(!paths().includes('/organizations/acme/issues/77/events/recommended/'));
      assert.match(answer.warning ?? '', /the limit is 5 pages/);
    });

    it('stops at a page that links to itself', async () => {
      list(() => ({ body: [issue('1')], headers: { Link: link(0, true) } }));
      const answer = await items();
      assert.match(answer.warning ?? '', /the next page was read already/);
    });
  });

  it("includes customers' comments on crashes", async () => {
    replies['/projects/acme/shop/user-feedback/'] = () => ({
      body: [
        {
          id: '7',
          name: 'Ada',
          email: 'ada@example.com',
          comments: 'It crashed.\nTwice.',
          dateCreated: '2026-11-21T08:00:00Z',
          issue: issue('1'),
        },
        { id: '8', comments: '', issue: null },
      ],
    });
    const answer = await items();
    const report = answer.items.find(({ id }) => id === '1/report-7');
    assert.deepEqual(
      [report?.kind, report?.title, report?.body, report?.author, report?.release, report?.frames?.[0]?.file],
      ['comment', 'It crashed.', 'It crashed.\nTwice.', 'Ada', 'shop@1.2.3', 'src/cart.ts'],
    );
    assert.ok(!JSON.stringify(answer.items).includes('ada@example.com'));
    assert.match(answer.warning ?? '', /report 8 says nothing/);
  });

  it('includes entries of feedback forms', async () => {
    replies['/organizations/acme/issues/'] = ({ query }) => ({
      body: query.get('query')?.includes('issue.category:feedback')
        ? [issue('9', { title: 'User Feedback', issueCategory: 'feedback', metadata: { message: 'Too slow', name: 'Ada' } })]
        : [],
    });
    const [said] = (await items()).items;
    assert.deepEqual([said?.kind, said?.title, said?.author], ['comment', 'Too slow', 'Ada']);
  });

  it("reads issues from servers without customers' comments", async () => {
    delete replies['/projects/acme/shop/user-feedback/'];
    const answer = await items();
    assert.deepEqual([answer.isComplete, answer.warning], [true, undefined]);
  });

  it('reads issues that are resolved or have no number or title', async () => {
    list(() => ({ body: [issue('1', { status: 'resolved', count: 5 }), { title: 'x' }, issue('2', { title: '' })] }));
    const answer = await items();
    assert.deepEqual(
      answer.items.map(({ id, closedAt, count }) => [id, closedAt, count]),
      [['1', '2026-11-22T08:00:00.000Z', 5]],
    );
    assert.equal(answer.isComplete, false);
    assert.match(answer.warning ?? '', /: an issue has no id, SHOP-2 has no title$/);
  });

  for (const [what, reply, reason, words] of [
    [
      'wants another token',
      { status: 401, body: { detail: 'Invalid token' } },
      'token',
      /does not accept the token \(401\): Invalid token/,
    ],
    [
      'limits the request rate',
      { status: 429, headers: { 'X-Sentry-Rate-Limit-Reset': '9999999999' } },
      'limit',
      /limits the request rate/,
    ],
    ['answers a web page', { body: '<!doctype html>' }, 'answer', /a web page \(HTML\)/],
    ['answers something else', { body: { detail: 'moved' } }, 'answer', /something that is no list of issues/],
  ] as const)
    it(`reports that the server ${what}`, async () => {
      list(() => reply);
      const answer = await source().fetch({}, never);
      assert.equal(answer.state === 'failed' && answer.reason, reason);
      assert.match(answer.state === 'failed' ? answer.message : '', words);
    });

  it('reports a missing project', async () => {
    const answer = await source({ project: 'other' }).fetch({}, never);
    assert.match(
      answer.state === 'failed' ? answer.message : '',
      /answered 404 Not Found for \/api\/0\/projects\/acme\/other\/: The requested resource/,
    );
  });

  it('discards saved state in another format', async () => {
    assert.equal((await items({ project: '42', details: '{"issues":' })).items[0]?.frames?.length, 4);
  });

  describe('resolve', () => {
    const item: FeedbackItem = { id: '1/report-7', kind: 'comment', title: 'It crashed', createdAt: '', count: 1, reference: 'SHOP-1' };

    it("resolves the issue of a customer's comment", async () => {
      replies['/organizations/acme/issues/1/'] = () => ({ body: { id: '1', status: 'resolved' } });
      assert.deepEqual(await source().actions.resolve?.(item), { ok: true, value: 'Sentry resolved SHOP-1' });
      assert.deepEqual(
        server.asked.map(({ method, body }) => [method, body]),
        [['PUT', { status: 'resolved' }]],
      );
    });

    it('reports a refused resolution and an unknown issue', async () => {
      replies['/organizations/acme/issues/1/'] = () => ({ body: { id: '1', status: 'unresolved' } });
      const result = await source().actions.resolve?.(item);
      assert.equal(result?.ok === false && result.failure.message, 'Sentry says that SHOP-1 is unresolved');
      const lone = await source().actions.resolve?.({ ...item, id: 'report-7' });
      assert.equal(lone?.ok, false);
      assert.equal(server.asked.length, 1);
    });
  });
});
