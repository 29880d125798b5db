import * as assert from 'node:assert/strict';
import { AxiosError } from 'axios';
import { HttpClient, type HttpRequest } from '../../../../src/core/http/http-client';
import { type HttpAnswer, type HttpFailure, connectionFailure } from '../../../../src/core/http/http-answer';
import { only, TestServer } from '../../../support/http-server';

const never = new AbortController().signal;
const token = 'secret-token-of-the-test';
const client = (more: { timeoutMs?: number; maxBytes?: number } = {}): HttpClient => new HttpClient({ proxy: 'host', retryMs: 1, ...more });

async function failureOf(request: HttpRequest, asking = client(), signal = never): Promise<HttpFailure> {
  const answer = await asking.send(request, signal);
  assert.equal(answer.state, 'failed');
  return answer;
}

async function answerOf(request: HttpRequest): Promise<HttpAnswer> {
  const answer = await client().send(request, never);
  assert.equal(answer.state, 'answered', answer.state === 'failed' ? answer.message : '');
  return answer;
}

describe('HttpClient', () => {
  const server = new TestServer();
  const other = new TestServer();

  describe('redirected writes', () => {
    const written = (): HttpRequest => ({ method: 'POST', url: `${server.url}/stop`, redirects: 'answer' });

    it('returns the redirect if requested, without following it', async () => {
      server.answers(() => ({ status: 302, headers: { Location: '/page' } }));
      const { status, headers } = await answerOf(written());
      assert.deepEqual([status, headers['location'], server.asked.length], [302, '/page', 1]);
    });

    it('fails for a redirect to another server or an unrequested one', async () => {
      server.answers(() => ({ status: 302, headers: { Location: `${other.url}/page` } }));
      assert.match((await failureOf(written())).message, /redirects the request to/);
      server.answers(() => ({ status: 302, headers: { Location: '/page' } }));
      assert.match((await failureOf({ method: 'POST', url: `${server.url}/stop` })).message, /redirects the request to/);
      assert.equal(other.asked.length, 0);
    });
  });

  describe('tokens', () => {
    const headers = [{ header: 'Authorization', scheme: 'Bearer' }, { header: 'PRIVATE-TOKEN' }, { header: 'X-Api-Key' }];
    for (const named of headers) {
      const secret = (): HttpRequest['secret'] => ({ origin: server.url, token, ...named });
      const received = (asked: { headers: object }): unknown => (asked.headers as Record<string, unknown>)[named.header.toLowerCase()];

      it(`sends ${named.header} to its host, also after a redirect there`, async () => {
        server.answers(({ path }) => (path === '/old' ? { status: 302, headers: { Location: '/new' } } : { body: {} }));
        await answerOf({ url: `${server.url}/old`, secret: secret() });
        const value = named.scheme === undefined ? token : `Bearer ${token}`;
        assert.deepEqual(server.asked.map(received), [value, value]);
      });

      for (const status of [301, 302, 303, 307, 308])
        it(`never sends ${named.header} to another host after a ${status}`, async () => {
          server.answers(() => ({ status, headers: { Location: `${other.url}/elsewhere` } }));
          other.answers(() => ({ body: {} }));
          await answerOf({ url: server.url, secret: secret() });
          const asked = only(other.asked);
          assert.ok(!JSON.stringify([asked.headers, asked.target]).includes(token));
        });

      it(`does not send ${named.header} after a redirect back from another host`, async () => {
        server.answers(({ path }) => (path === '/' ? { status: 302, headers: { Location: other.url } } : { body: {} }));
        other.answers(() => ({ status: 302, headers: { Location: `${server.url}/back` } }));
        await answerOf({ url: server.url, secret: secret() });
        assert.deepEqual(
          server.asked.map((asked) => [asked.path, received(asked) !== undefined]),
          [
            ['/', true],
            ['/back', false],
          ],
        );
      });
    }

    it('sends no token to another host', async () => {
      other.answers(() => ({ body: {} }));
      await answerOf({ url: other.url, secret: { origin: server.url, token, header: 'X-Api-Key' } });
      assert.equal(only(other.asked).headers['x-api-key'], undefined);
    });

    it('never shows a token, even if the server repeats it', async () => {
      server.answers(() => ({ status: 401, body: { message: `bad token ${token}` } }));
      const failure = await failureOf({
        url: server.url,
        secret: { origin: server.url, token, header: 'Authorization', scheme: 'Bearer' },
      });
      assert.equal(failure.reason, 'token');
      assert.match(failure.message, /does not accept the token \(401\): bad token …$/);
      assert.ok(!JSON.stringify(failure).includes(token));
    });

    it('reports that a redirect requires a token that was not sent', async () => {
      server.answers(() => ({ status: 301, headers: { Location: other.url } }));
      other.answers(() => ({ status: 401 }));
      const failure = await failureOf({ url: server.url, secret: { origin: server.url, token, header: 'PRIVATE-TOKEN' } });
      assert.equal(failure.message, `the address redirects to 127.0.0.1:${other.port}, which requires a token (401)`);
    });
  });

  describe('redirects', () => {
    it('stops after five redirects', async () => {
      server.answers(({ path }) => ({ status: 302, headers: { Location: `${path}x` } }));
      const failure = await failureOf({ url: server.url });
      assert.match(failure.message, /redirects too often/);
      assert.equal(server.asked.length, 6);
    });

    it('stops at a circular redirect', async () => {
      server.answers(({ path }) => ({ status: 302, headers: { Location: path === '/a' ? '/b' : '/a' } }));
      await failureOf({ url: `${server.url}/a` });
      assert.equal(server.asked.length, 2);
    });

    it('rejects redirects to other protocols', async () => {
      server.answers(() => ({ status: 302, headers: { Location: 'file:///etc/passwd' } }));
      assert.match((await failureOf({ url: server.url })).message, /file:\/\/ is not a web address/);
    });

    it('redirects writes only within the host and unchanged', async () => {
      server.answers(({ path }) => (path === '/moved' ? { body: {} } : { status: 307, headers: { Location: '/moved' } }));
      await answerOf({ method: 'PATCH', url: server.url, body: { state: 'closed' } });
      assert.deepEqual(
        server.asked.map(({ method, body }) => [method, body]),
        [
          ['PATCH', { state: 'closed' }],
          ['PATCH', { state: 'closed' }],
        ],
      );
      server.answers(() => ({ status: 307, headers: { Location: other.url } }));
      const failure = await failureOf({ method: 'POST', url: server.url, body: {} });
      assert.match(failure.message, /redirects the request to 127\.0\.0\.1:\d+ \(307\)/);
      assert.equal(other.asked.length, 0);
    });
  });

  describe('invalid addresses', () => {
    it('rejects addresses other than web URLs', async () => {
      assert.match((await failureOf({ url: 'ftp://example.com/feedback' })).message, /ftp:\/\/ is not a web address/);
      assert.match((await failureOf({ url: 'example' })).message, /“example” is not a valid address/);
    });

    it('rejects passwords in addresses without showing them', async () => {
      const { message } = await failureOf({ url: 'https://me:hunter22@example.com/' });
      assert.match(message, /^the address of example\.com contains a user name or a password/);
      assert.ok(!message.includes('hunter22'));
    });
  });

  describe('retries', () => {
    for (const status of [502, 503, 504])
      it(`retries at most twice after a ${status}`, async () => {
        server.answers(() => ({ status }));
        const failure = await failureOf({ url: server.url });
        assert.equal(failure.reason, 'answer');
        assert.match(failure.message, new RegExp(`answered ${status} `));
        assert.equal(server.asked.length, 3);
      });

    it('retries after a broken connection', async () => {
      server.answers((_, response) => {
        if (server.asked.length > 1) return { body: { fine: true } };
        response.destroy();
        return 'written';
      });
      assert.equal((await answerOf({ url: server.url })).text, '{"fine":true}');
    });

    it('never retries writes', async () => {
      server.answers(() => ({ status: 503 }));
      await failureOf({ method: 'POST', url: server.url, body: {} });
      server.answers((_, response) => (response.destroy(), 'written'));
      await failureOf({ method: 'PUT', url: server.url, body: {} });
      assert.deepEqual(
        server.asked.map(({ method }) => method),
        ['POST', 'PUT'],
      );
    });

    it('does not retry after 500, 404 or 503 with a retry time', async () => {
      for (const [status, headers] of [
        [500, {}],
        [404, {}],
        [503, { 'Retry-After': '30' }],
      ] as const) {
        server.asked.length = 0;
        server.answers(() => ({ status, headers }));
        await failureOf({ url: server.url });
        only(server.asked);
      }
    });

    it('does not retry after cancellation', async () => {
      const stop = new AbortController();
      server.answers(() => (stop.abort(), { status: 503 }));
      const started = Date.now();
      await failureOf({ url: server.url }, new HttpClient({ proxy: 'host', retryMs: 60_000 }), stop.signal);
      assert.ok(Date.now() - started < 5000);
      only(server.asked);
    });
  });

  describe('failures', () => {
    it('reports a refused connection', async () => {
      const { url, port } = server;
      await server.stop();
      assert.deepEqual(await failureOf({ url }), { state: 'failed', reason: 'offline', message: `127.0.0.1:${port} refuses connections` });
    });

    it('reports an unknown host', async () => {
      const { reason, message } = await failureOf({ url: 'http://no-such-host.invalid/' });
      assert.equal(reason, 'offline');
      assert.match(message, /^no-such-host\.invalid was not found/);
    });

    it('reports a timeout before the answer', async () => {
      server.answers(() => undefined);
      const failure = await failureOf({ url: server.url }, client({ timeoutMs: 50 }));
      assert.deepEqual([failure.reason, failure.message], ['offline', `127.0.0.1:${server.port} did not answer within 0.05 s`]);
      only(server.asked);
    });

    it('reports a timeout within the answer', async () => {
      server.answers((_, response) => {
        response.writeHead(200);
        response.write('[');
        return 'written';
      });
      assert.match((await failureOf({ url: server.url }, client({ timeoutMs: 50 }))).message, /did not answer within/);
    });

    it('reports cancellation', async () => {
      const stop = new AbortController();
      server.answers(() => (stop.abort(), undefined));
      assert.match((await failureOf({ url: server.url }, client(), stop.signal)).message, /^the request to 127\.0\.0\.1:\d+ was cancelled/);
    });

    it('reports answers that are too large, also compressed ones', async () => {
      server.answers(() => ({ body: `"${'x'.repeat(2000)}"` }));
      const failure = await failureOf({ url: `${server.url}/feed?key=hidden` }, client({ maxBytes: 1000 }));
      assert.deepEqual([failure.reason, failure.message], ['answer', `127.0.0.1:${server.port}/feed answered more than 1000 bytes`]);
      const { gzipSync } = await import('node:zlib');
      const packed = gzipSync(Buffer.alloc(100_000));
      server.answers((_, response) => {
        response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(packed);
        return 'written';
      });
      assert.match((await failureOf({ url: server.url }, client({ maxBytes: 1000 }))).message, /more than 1000 bytes/);
    });

    it('reports a server without HTTPS', async () => {
      const failure = await failureOf({ url: server.url.replace('http:', 'https:') });
      assert.equal(failure.reason, 'offline');
      assert.match(failure.message, /TLS|safe connection/);
    });

    it('reports an untrusted certificate', () => {
      const attempt = { isCancelled: false, isTimeout: false, timeoutMs: 1, maxBytes: 1 };
      const { failure, isTransient } = connectionFailure(
        new AxiosError('certificate has expired', 'CERT_HAS_EXPIRED'),
        'https://errors.example.com/api/',
        attempt,
      );
      assert.equal(failure.message, 'the certificate of errors.example.com is not trusted (CERT_HAS_EXPIRED)');
      assert.equal(isTransient, false);
    });

    const later = (): Date => new Date(Date.now() + 120_000);
    const laterInSeconds = (): string => String(Math.floor(later().getTime() / 1000));
    const limits: [string, number, () => Record<string, string>][] = [
      ['429', 429, () => ({ 'Retry-After': '120' })],
      ['403 with nothing remaining', 403, () => ({ 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': laterInSeconds() })],
      ['403 that says when', 403, () => ({ 'Retry-After': later().toUTCString() })],
      ['429 of GitLab', 429, () => ({ 'RateLimit-Reset': laterInSeconds() })],
      ['429 of Sentry', 429, () => ({ 'X-Sentry-Rate-Limit-Reset': laterInSeconds() })],
    ];
    for (const [name, status, headers] of limits)
      it(`reports a rate limit: ${name}`, async () => {
        server.answers(() => ({ status, headers: headers(), body: {} }));
        const failure = await failureOf({ url: server.url });
        assert.equal(failure.reason, 'limit');
        const inMs = Date.parse(failure.retryAt ?? '') - Date.now();
        assert.ok(inMs > 110_000 && inMs < 125_000, failure.retryAt);
        only(server.asked);
      });

    it('waits a minute after a rate limit without a time', async () => {
      server.answers(() => ({ status: 403, body: { message: 'You have exceeded a secondary rate limit.' } }));
      const failure = await failureOf({ url: server.url });
      assert.equal(failure.reason, 'limit');
      assert.match(failure.message, /: You have exceeded a secondary rate limit\.$/);
      assert.ok(Date.parse(failure.retryAt ?? '') > Date.now() + 50_000);
    });

    it('ignores the reset time of a limit that was not exceeded', async () => {
      const headers = { 'X-RateLimit-Remaining': '4000', 'X-RateLimit-Reset': laterInSeconds() };
      server.answers(() => ({ status: 429, headers, body: {} }));
      const inMs = Date.parse((await failureOf({ url: server.url })).retryAt ?? '') - Date.now();
      assert.ok(inMs > 50_000 && inMs < 65_000, String(inMs));
    });

    it('ignores rate limits of an unavailable server', async () => {
      server.answers(() => ({ status: 503, headers: { 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': laterInSeconds() }, body: {} }));
      assert.equal((await failureOf({ url: server.url })).retryAt, undefined);
      assert.equal(server.asked.length, 3);
    });

    it('reports missing and rejected tokens', async () => {
      const secret = { origin: server.url, token, header: 'Authorization', scheme: 'Bearer' };
      server.answers(() => ({ status: 403, body: { message: 'Resource not accessible by personal access token' } }));
      const forbidden = await failureOf({ url: server.url, secret });
      assert.deepEqual(
        [forbidden.reason, forbidden.message],
        ['token', `127.0.0.1:${server.port} does not let this token do that (403): Resource not accessible by personal access token`],
      );
      server.answers(() => ({ status: 401 }));
      assert.equal((await failureOf({ url: server.url })).message, `127.0.0.1:${server.port} requires a token (401)`);
    });

    it("reports GitLab's errors by field", async () => {
      server.answers(() => ({
        status: 400,
        body: { message: { base: ['Missing CI config file'], name: ['is too long', 'is taken'], more: 7 } },
      }));
      assert.match((await failureOf({ url: server.url })).message, /: Missing CI config file; name is too long, is taken$/);
    });

    it('reports a missing resource', async () => {
      server.answers(() => ({ status: 404, body: { message: 'Not Found' } }));
      const failure = await failureOf({ url: `${server.url}/repos/acme/shop/issues?key=hidden` });
      assert.equal(failure.message, `127.0.0.1:${server.port} answered 404 Not Found for /repos/acme/shop/issues: Not Found`);
      assert.equal(failure.hint, 'private resources require a token');
    });
  });

  describe('proxies', () => {
    const variables = ['http_proxy', 'HTTP_PROXY', 'no_proxy', 'NO_PROXY'];
    let before: (string | undefined)[];
    beforeEach(() => {
      before = variables.map((name) => process.env[name]);
      for (const name of variables) delete process.env[name];
      process.env['http_proxy'] = server.url;
    });
    afterEach(() =>
      variables.forEach((name, index) => (before[index] === undefined ? delete process.env[name] : (process.env[name] = before[index]))),
    );

    it('uses the proxy of the environment', async () => {
      server.answers(() => ({ body: {} }));
      const answer = await new HttpClient({ proxy: 'environment' }).send({ url: 'http://feedback.invalid/items' }, never);
      assert.equal(answer.state, 'answered');
      assert.equal(only(server.asked).target, 'http://feedback.invalid/items');
    });

    it('sends no token over http to another machine', async () => {
      server.answers(() => ({ status: 401, body: {} }));
      const origin = 'http://errors.example.com';
      const request = { url: `${origin}/items`, secret: { origin, header: 'Authorization', token } };
      const { hint } = await failureOf(request, new HttpClient({ proxy: 'environment', retryMs: 1 }));
      assert.equal(hint, 'a token is sent only over https');
      assert.deepEqual([only(server.asked).target, only(server.asked).headers.authorization], [request.url, undefined]);
    });

    it('sends a token for this machine to no proxy', async () => {
      other.answers(() => ({ body: {} }));
      const { url: origin } = other;
      const request = { url: `${origin}/items`, secret: { origin, header: 'Authorization', token } };
      await new HttpClient({ proxy: 'environment', retryMs: 1 }).send(request, never);
      assert.deepEqual([only(other.asked).headers.authorization, server.asked.length], [token, 0]);
    });

    it('reports that the proxy refuses the connection', async () => {
      const { port } = server;
      await server.stop();
      const failure = await failureOf({ url: 'http://feedback.invalid/items' }, new HttpClient({ proxy: 'environment', retryMs: 1 }));
      assert.equal(failure.message, `the proxy for feedback.invalid refuses connections (port ${port})`);
    });

    it('leaves the proxy to the host program', async () => {
      const { message } = await failureOf({ url: 'http://feedback.invalid/items' });
      assert.match(message, /feedback\.invalid was not found/);
      assert.equal(server.asked.length, 0);
    });
  });
});
