import { Api, noJson, type ApiAddress, type JsonAnswer } from '../http/api';
import type { HttpClient } from '../http/http-client';
import type { HttpAnswer, HttpFailure } from '../http/http-answer';
import type { Tokens } from '../model/tokens';
import type { Allowance, CiFailure } from './ci-client';

const maxRemembered = 200;

/**
 * Polls one server. Conditional requests make unchanged answers cheap; the rate limit and the clock difference are read from every answer.
 */
export class ConditionalClient {
  readonly api: Api;
  allowance: Allowance | undefined;
  /** Our clock minus the server's, in milliseconds. */
  private skewMs = 0;
  private readonly remembered = new Map<string, { readonly etag: string; readonly answer: JsonAnswer }>();

  constructor(
    address: ApiAddress,
    client: HttpClient,
    tokens: Tokens,
    private readonly now: () => number = Date.now,
  ) {
    this.api = new Api(address, client, tokens);
  }

  /** Returns the answer to a GET. An unchanged answer (304) comes from memory, with status 200. */
  async get(path: string, signal: AbortSignal, headers: Readonly<Record<string, string>> = {}): Promise<JsonAnswer | CiFailure> {
    const before = this.remembered.get(path);
    const answer = await this.api.get(path, signal, { ...headers, ...(before && { 'If-None-Match': before.etag }) });
    if (answer.state === 'failed') return this.failed(path, answer);
    this.heard(answer.headers);
    if (answer.status === 304 && before) return { ...before.answer, headers: { ...before.answer.headers, ...answer.headers } };
    const { etag } = answer.headers;
    this.remembered.delete(path);
    if (etag !== undefined) this.remembered.set(path, { etag, answer });
    for (const oldest of this.remembered.keys()) {
      if (this.remembered.size <= maxRemembered) break;
      this.remembered.delete(oldest);
    }
    return answer;
  }

  /** Sends a request once, without retries. */
  async write(method: 'POST' | 'PUT' | 'DELETE', path: string, body: unknown, signal: AbortSignal): Promise<JsonAnswer | CiFailure> {
    const answer = await this.api.send(method, path, body, signal);
    if (answer.state === 'failed') return this.failed(path, answer);
    this.heard(answer.headers);
    return answer;
  }

  /** Converts a time of the server to our clock. */
  time(theirs: string | undefined): string | undefined {
    const ms = theirs === undefined ? NaN : Date.parse(theirs);
    return Number.isNaN(ms) ? undefined : new Date(ms + this.skewMs).toISOString();
  }

  /** Reads the server's clock and rate limit, also from answers to requests that were sent elsewhere. */
  heard(headers: Readonly<Record<string, string>>): void {
    const theirs = Date.parse(headers['date'] ?? '');
    // Dates in headers have whole seconds: a smaller difference is rounding.
    if (!Number.isNaN(theirs)) this.skewMs = Math.abs(this.now() - theirs) < 2000 ? 0 : this.now() - theirs;
    const limitHeader = (name: string): number => Number(headers[`x-ratelimit-${name}`] ?? headers[`ratelimit-${name}`] ?? NaN);
    const [limit, remaining, reset] = [limitHeader('limit'), limitHeader('remaining'), limitHeader('reset')];
    if ([limit, remaining, reset].some(Number.isNaN)) return;
    const at = reset < 1e8 ? this.now() + reset * 1000 : reset * 1000 + this.skewMs;
    this.allowance = { limit, remaining, resetAt: new Date(at).toISOString() };
  }

  private failed(path: string, failure: HttpFailure): CiFailure {
    if (failure.status === 404 || failure.status === 410) {
      this.remembered.delete(path);
      return { ...failure, gone: true };
    }
    return failure;
  }
}

/**
 * Passes the content of an address from byte `from` to `write` as it arrives. If the server ignores ranges (RFC 9110, section 14), the part
 * before `from` is skipped. Succeeds also when nothing is new.
 */
export async function readFrom(
  { api }: ConditionalClient,
  path: string,
  from: number,
  write: (bytes: Buffer) => void,
  signal: AbortSignal,
): Promise<HttpAnswer | HttpFailure> {
  let at: number | undefined;
  let isPage = false;
  const answer = await api.stream(
    path,
    (bytes, { status, headers }) => {
      // Logs and archives are never HTML: such a page asks for a sign-in, or reports an error.
      isPage ||= headers['content-type']?.includes('text/html') ?? false;
      if (isPage) return;
      at ??= status === 206 ? startOf(headers['content-range']) : 0;
      const missing = at === undefined ? bytes.length : Math.max(0, from - at);
      at = (at ?? 0) + bytes.length;
      if (missing < bytes.length) write(bytes.subarray(missing));
    },
    signal,
    // A range of a compressed answer counts other bytes. A cache on the way may hold an older, shorter log.
    { Accept: '*/*', 'Accept-Encoding': 'identity', 'Cache-Control': 'no-cache', ...(from > 0 && { Range: `bytes=${from}-` }) },
  );
  if (answer.state === 'failed' && answer.status === 416) return { state: 'answered', status: 416, headers: {}, text: '', url: path };
  return isPage && answer.state === 'answered' ? noJson('<', answer.headers, answer.url, answer.status, 'what is stored there') : answer;
}

/** Returns the first byte of a `Content-Range`: a server may send another range than the requested one. */
function startOf(range: string | undefined): number | undefined {
  const start = /^bytes (\d+)-/.exec(range ?? '')?.[1];
  return start === undefined ? undefined : Number(start);
}
