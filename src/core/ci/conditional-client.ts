import { Api, type ApiAddress, type JsonAnswer } from '../http/api';
import type { HttpClient } from '../http/http-client';
import type { HttpFailure } from '../http/http-answer';
import type { Tokens } from '../model/tokens';
import type { Allowance, CiFailure } from './ci-client';

const mostRemembered = 200;

/**
 * Asks one server again and again: what it said before is asked for by its tag, so that an unchanged answer costs next to nothing;
 * how often it may be asked, and how its clock differs from ours, is read from every answer.
 */
export class ConditionalClient {
  readonly api: Api;
  allowance: Allowance | undefined;
  /** What is to be added to its times, in milliseconds. */
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

  /** As `Api.get`; an answer that is still the same comes from memory, its status is 200. */
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
      if (this.remembered.size <= mostRemembered) break;
      this.remembered.delete(oldest);
    }
    return answer;
  }

  /** Sent once, never again by itself. Its failure says what was answered. */
  async write(method: 'POST' | 'PUT' | 'DELETE', path: string, body: unknown, signal: AbortSignal): Promise<JsonAnswer | CiFailure> {
    const answer = await this.api.send(method, path, body, signal);
    if (answer.state === 'failed') return this.failed(path, answer);
    this.heard(answer.headers);
    return answer;
  }

  /** A time of the server's by our clock. */
  time(theirs: string | undefined): string | undefined {
    const ms = theirs === undefined ? NaN : Date.parse(theirs);
    return Number.isNaN(ms) ? undefined : new Date(ms + this.skewMs).toISOString();
  }

  /** Read from every answer, also those that this class did not ask for. */
  heard(headers: Readonly<Record<string, string>>): void {
    const theirs = Date.parse(headers['date'] ?? '');
    // Dates of answers have whole seconds: a smaller difference says nothing.
    if (!Number.isNaN(theirs)) this.skewMs = Math.abs(this.now() - theirs) < 2000 ? 0 : this.now() - theirs;
    const of = (name: string): number => Number(headers[`x-ratelimit-${name}`] ?? headers[`ratelimit-${name}`] ?? NaN);
    const [limit, remaining, reset] = [of('limit'), of('remaining'), of('reset')];
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
