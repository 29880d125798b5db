import * as assert from 'node:assert/strict';
import { HttpClient } from '../../../../../src/core/http/http-client';
import { openHttpSource } from '../../../../../src/core/feedback/sources/http/http-source';
import type { FeedbackItem } from '../../../../../src/core/feedback/item';
import type { Answer, FeedbackSource } from '../../../../../src/core/feedback/source';
import type { HttpSourceDefinition } from '../../../../../src/core/feedback/sources/http/descriptor';
import { only, TestServer, type Reply } from '../../../../support/http-server';

const never = new AbortController().signal;
const item = (id: number | string): object => ({ id, title: `Item ${id}`, createdAt: '2026-11-20T08:00:00Z' });

describe('JSON over HTTP', () => {
  const server = new TestServer();
  const other = new TestServer();

  function source(settings: Partial<HttpSourceDefinition> = {}, token?: string): FeedbackSource {
    return openHttpSource(
      { url: `${server.url}/feedback`, fields: {}, itemKind: 'comment', ...settings },
      new HttpClient({ proxy: 'host', retryMs: 1, timeoutMs: 5000 }),
      async (_, host) => Promise.resolve(host === server.url ? token : undefined),
    );
  }

  async function items(settings: Partial<HttpSourceDefinition> = {}): Promise<Extract<Answer, { state: 'items' }>> {
    const answer = await source(settings).fetch({}, never);
    assert.equal(answer.state, 'items', answer.state === 'failed' ? answer.message : '');
    return answer;
  }

  async function failure(settings: Partial<HttpSourceDefinition> = {}): Promise<string> {
    const answer = await source(settings).fetch({}, never);
    assert.equal(answer.state, 'failed');
    return `${answer.reason}: ${answer.message}`;
  }

  const idsOf = ({ items }: { items: readonly FeedbackItem[] }): string[] => items.map(({ id }) => id);
  const answers = (reply: Reply): void => server.answers(() => reply);

  it('is named after its address, without what may be secret in it', () => {
    const { name, host } = source({ url: 'https://api.example.com/v1/reviews?key=hidden' });
    assert.match(name, /^http api\.example\.com\/v1\/reviews [0-9a-f]{6}$/);
    assert.equal(host, 'https://api.example.com');
    assert.notEqual(name, source({ url: 'https://api.example.com/v1/reviews?key=other' }).name);
    assert.equal(source({ url: 'https://api.example.com/v1/reviews' }).name, 'http api.example.com/v1/reviews');
  });

  describe('holds items', () => {
    for (const [how, body] of [
      ['as a list', [item(1), item(2)]],
      ['as items', { items: [item(1), item(2)] }],
      ['as data', { data: [item(1), item(2)] }],
      ['as results', { results: [item(1), item(2)] }],
      ['as JSON lines', `${JSON.stringify(item(1))}\n\n${JSON.stringify(item(2))}\n`],
    ] as const)
      it(how, async () => {
        answers({ body });
        const answer = await items();
        assert.deepEqual([idsOf(answer), answer.isComplete, answer.warning], [['1', '2'], true, undefined]);
      });

    it('as one JSON line', async () => {
      answers({ body: `${JSON.stringify(item(1))}\n` });
      assert.deepEqual(idsOf(await items()), ['1']);
    });

    it('where the settings say', async () => {
      answers({ body: { response: { pages: [{ list: [item(1)] }] }, items: [item(2)] } });
      assert.deepEqual(idsOf(await items({ items: 'response.pages.0.list' })), ['1']);
    });

    it('or none, also where that is written as null', async () => {
      answers({ body: { items: null } });
      assert.deepEqual(await items(), { state: 'items', items: [], isComplete: true, memory: {} });
    });

    it('or is none of that, and says so', async () => {
      answers({ body: { status: 'ok' } });
      assert.match(
        await failure(),
        /^answer: 127\.0\.0\.1:\d+\/feedback answered JSON that holds no list, also not as items, data or results$/,
      );
      assert.match(await failure({ items: 'a.b' }), /no list at a\.b$/);
    });
  });

  it('has its fields where the settings say, numbers also as text', async () => {
    answers({
      body: [
        {
          review: { id: 17, stars: '4', text: 'The cart forgets things', headline: 'Cart', when: 1_795_000_000 },
          who: { name: 'Ada', team: ['cart', 'web'] },
          seen: '12',
          users: 3,
          version: '1.2.3',
          stage: 'production',
          link: 'https://example.com/17',
          type: 'rating',
        },
      ],
    });
    const fields = {
      id: 'review.id',
      title: 'review.headline',
      body: 'review.text',
      kind: 'type',
      rating: 'review.stars',
      createdAt: 'review.when',
      lastSeenAt: 'review.when',
      author: 'who.name',
      component: 'who.team',
      count: 'seen',
      people: 'users',
      release: 'version',
      environment: 'stage',
      url: 'link',
    };
    assert.deepEqual((await items({ fields })).items, [
      {
        id: '17',
        kind: 'rating',
        title: 'Cart',
        body: 'The cart forgets things',
        createdAt: '2026-11-18T11:06:40.000Z',
        lastSeenAt: '2026-11-18T11:06:40.000Z',
        author: 'Ada',
        url: 'https://example.com/17',
        rating: 4,
        count: 12,
        people: 3,
        release: '1.2.3',
        environment: 'production',
        components: ['cart', 'web'],
      },
    ] satisfies FeedbackItem[]);
  });

  it('may be what a file of feedback holds, with stacks', async () => {
    answers({
      body: [{ ...item(1), kind: 'error', commit: 'abc', frames: [{ path: 'src/cart.ts', line: 3, function: 'add', inApp: true }, {}] }],
    });
    const [read] = (await items()).items;
    assert.deepEqual(
      [read?.kind, read?.release, read?.frames],
      ['error', 'abc', [{ file: 'src/cart.ts', line: 3, function: 'add', inApp: true }]],
    );
  });

  it('has the kind that the settings say where an item has none, or another', async () => {
    answers({ body: [item(1), { ...item(2), kind: 'complaint' }] });
    assert.deepEqual(
      (await items({ itemKind: 'ticket' })).items.map(({ kind }) => kind),
      ['ticket', 'ticket'],
    );
  });

  it('keeps what can be read, and names what cannot', async () => {
    answers({ body: [item(1), { title: 'x' }, 'text', { id: 4 }, null, item(6), item(1)] });
    const answer = await items();
    assert.deepEqual([idsOf(answer), answer.isComplete], [['1', '6'], false]);
    assert.match(answer.warning ?? '', /: item 2 has no id, item 3 is no object, item 4 \(4\) has no title, and 1 more$/);
  });

  it('keeps the JSON lines before one that is torn', async () => {
    answers({ body: `${JSON.stringify(item(1))}\n{"id": 2, "tit` });
    const answer = await items();
    assert.deepEqual([idsOf(answer), answer.isComplete], [['1'], false]);
    assert.match(answer.warning ?? '', /: line 2 is no JSON$/);
  });

  describe('finds the next page', () => {
    /** Three pages, of which each tells the next as the test says. */
    function pages(parameter: string, next: (page: number) => { body?: object; headers?: Record<string, string> }): void {
      server.answers(({ query }) => {
        const page = Number(query.get(parameter) ?? '1');
        const { body = {}, headers = {} } = page < 3 ? next(page) : {};
        return { body: { items: page > 3 ? [] : [item(page)], ...body }, headers };
      });
    }

    it('by a Link header', async () => {
      pages('page', (page) => ({ headers: { Link: `</feedback?page=${page + 1}>; title="a, b; c"; rel=next` } }));
      assert.deepEqual(idsOf(await items()), ['1', '2', '3']);
    });

    it('by an address in the answer, also a relative one', async () => {
      pages('page', (page) => ({ body: { links: { next: page === 1 ? `${server.url}/feedback?page=2` : '?page=3' } } }));
      assert.deepEqual(idsOf(await items({ next: 'links.next' })), ['1', '2', '3']);
    });

    it('by a cursor in the answer', async () => {
      pages('after', (page) => ({ body: { meta: { cursor: page + 1 } } }));
      const answer = await items({ url: `${server.url}/feedback?project=7`, next: 'meta.cursor', cursor: 'after' });
      assert.deepEqual(idsOf(answer), ['1', '2', '3']);
      assert.deepEqual(
        server.asked.map(({ target }) => target),
        ['/feedback?project=7', '/feedback?project=7&after=2', '/feedback?project=7&after=3'],
      );
    });

    it('by counting until one is empty', async () => {
      pages('p', () => ({}));
      const answer = await items({ page: 'p' });
      assert.deepEqual([idsOf(answer), answer.isComplete], [['1', '2', '3'], true]);
      assert.deepEqual(
        server.asked.map(({ query }) => query.get('p')),
        ['1', '2', '3', '4'],
      );
    });

    it('but not where it is the same again', async () => {
      answers({ body: { items: [item(1)], next: '/feedback' } });
      const answer = await items({ next: 'next' });
      assert.match(answer.warning ?? '', /what follows page 1 was not read: it leads back to a page that was read before$/);
      assert.equal(answer.isComplete, false);
      only(server.asked);
    });

    it('but not for ever at a server that does not count', async () => {
      answers({ body: [item(1)] });
      const answer = await items({ page: 'p' });
      assert.deepEqual([idsOf(answer), answer.isComplete, server.asked.length], [['1'], false, 2]);
    });

    it('but not at another host', async () => {
      answers({ body: { items: [item(1)], next: `${other.url}/feedback` } });
      assert.match((await items({ next: 'next' })).warning ?? '', /it is at another host, 127\.0\.0\.1:\d+$/);
      assert.equal(other.asked.length, 0);
    });
  });

  it('costs nothing where nothing changed', async () => {
    server.answers(({ headers }) => (headers['if-none-match'] === '"1"' ? { status: 304 } : { body: [item(1)], headers: { ETag: '"1"' } }));
    const first = await items();
    assert.deepEqual(await source().fetch(first.memory ?? {}, never), { state: 'unchanged' });
  });

  it('gets the token in the header that the settings name', async () => {
    answers({ body: [] });
    await source({ header: 'X-Api-Key' }, 'secret-of-the-test').fetch({}, never);
    await source({}, 'secret-of-the-test').fetch({}, never);
    assert.deepEqual(
      server.asked.map(({ headers }) => [headers['x-api-key'], headers.authorization]),
      [
        ['secret-of-the-test', undefined],
        [undefined, 'Bearer secret-of-the-test'],
      ],
    );
  });

  it('says so when the token cannot be read', async () => {
    const locked = openHttpSource({ url: server.url, fields: {}, itemKind: 'comment' }, new HttpClient({ proxy: 'host' }), async () =>
      Promise.reject(new Error('the keyring is locked')),
    );
    const answer = await locked.fetch({}, never);
    assert.equal(answer.state === 'failed' && answer.message, `the token for ${server.url} could not be read`);
    assert.equal(server.asked.length, 0);
  });

  for (const [what, body, words] of [
    ['a web page', '<html><body>Welcome</body></html>', /a web page \(HTML\) instead of JSON$/],
    ['half a list', '[\n{"id":1,"title":"a"},\n{"id":2,"title":"b"}\n', /JSON that is broken or breaks off after \d+ characters$/],
    ['half an object', '{\n  "items": [\n    {"id": 1', /JSON that is broken or breaks off/],
    ['text', 'hello', /something that is no JSON$/],
  ] as const)
    it(`says so when ${what} comes instead`, async () => {
      answers({ body });
      assert.match(await failure(), words);
    });

  it('says so when the answer breaks off', async () => {
    server.answers((_, response) => {
      response.writeHead(200, { 'Content-Length': '1000' });
      response.write('[{"id":1,', () => response.destroy());
      return 'written';
    });
    assert.match(await failure(), /^offline: 127\.0\.0\.1:\d+ broke the connection off/);
    assert.equal(server.asked.length, 3);
  });

  it('says so when the address is none', async () => {
    const broken = source({ url: 'not an address' });
    assert.equal(broken.host, undefined);
    assert.match(await failure({ url: 'not an address' }), /“not an address” is no address/);
  });
});
