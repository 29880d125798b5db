import { fail, ok, type Result } from '../model/result';
import { httpAddress, shownAddress } from './http-address';
import type { HttpClient, HttpRequest, Sink } from './http-client';
import type { HttpAnswer, HttpFailure } from './http-answer';
import type { Tokens } from '../model/tokens';

export interface ApiAddress {
  readonly kind: string;
  /** What paths are appended to. */
  readonly base: string;
  /** The header of its token; `Authorization: Bearer` unless named. */
  readonly header?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** How the token is written; absent: as it is, after `Bearer` in `Authorization`. */
  readonly credential?: (token: string) => string;
}

export interface JsonAnswer {
  readonly state: 'answered';
  readonly status: number;
  /** Undefined where nothing was to be said: 204, 304. */
  readonly value: unknown;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly url: string;
}

/** A server's interface of JSON over HTTP, with the token that is for it. */
export class Api {
  /** `https://host[:port]`; undefined for an address that is none. */
  readonly origin: string | undefined;

  constructor(
    private readonly address: ApiAddress,
    private readonly client: HttpClient,
    private readonly tokens: Tokens,
  ) {
    const base = httpAddress(address.base);
    this.origin = typeof base === 'string' ? undefined : base.origin;
  }

  /** `path` is one below the base, or a whole address. Never throws. */
  async get(path: string, signal: AbortSignal, headers: Readonly<Record<string, string>> = {}): Promise<JsonAnswer | HttpFailure> {
    const answer = await this.text(path, signal, headers);
    return answer.state === 'failed' ? answer : jsonOf(answer);
  }

  async text(path: string, signal: AbortSignal, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer | HttpFailure> {
    return this.ask({ url: this.resolve(path), headers }, signal);
  }

  /** Answers what the server says to it. Sent once. */
  async write(method: 'POST' | 'PUT' | 'PATCH', path: string, body: unknown): Promise<Result<unknown>> {
    const answer = await this.send(method, path, body, new AbortController().signal);
    return answer.state === 'failed' ? asResult(answer) : ok(answer.value);
  }

  /** The same with all that is answered; an empty answer is one. Sent once. */
  async send(
    method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body: unknown,
    signal: AbortSignal,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<JsonAnswer | HttpFailure> {
    const answer = await this.ask({ method, url: this.resolve(path), headers, ...(body !== undefined && { body }) }, signal);
    if (answer.state === 'failed') return answer;
    const { status, text, url } = answer;
    return text.trim() === '' ? { state: 'answered', status, headers: answer.headers, url, value: undefined } : jsonOf(answer);
  }

  /** Presses a button of a page: all is in the address, and a redirect on the server is an answer like any other. Sent once. */
  async press(path: string, signal: AbortSignal, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer | HttpFailure> {
    return this.ask({ method: 'POST', url: this.resolve(path), headers, redirects: 'answer' }, signal);
  }

  /** Hands the bytes of an answer on as they arrive: see `HttpRequest.sink`. */
  async stream(
    path: string,
    sink: Sink,
    signal: AbortSignal,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<HttpAnswer | HttpFailure> {
    return this.ask({ url: this.resolve(path), headers, sink }, signal);
  }

  private resolve(path: string): string {
    return /^https?:/.test(path) ? path : `${this.address.base.replace(/\/+$/, '')}${path}`;
  }

  private async ask(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer | HttpFailure> {
    const { kind, header = 'Authorization', headers } = this.address;
    const { origin } = this;
    if (origin === undefined) return { state: 'failed', reason: 'answer', message: httpAddress(this.address.base).toString() };
    let token: string | undefined;
    try {
      token = (await this.tokens(kind, origin))?.trim();
    } catch {
      return { state: 'failed', reason: 'token', message: `the token for ${origin} could not be read` };
    }
    const { credential } = this.address;
    const written = token && credential ? { value: credential(token) } : header === 'Authorization' ? { scheme: 'Bearer' } : {};
    const secret = token ? { origin, header, token, ...written } : undefined;
    return this.client.send({ ...request, headers: { ...headers, ...request.headers }, secret }, signal);
  }
}

export function asResult({ message, hint }: HttpFailure): Result<never> {
  return fail('machinery', message, hint === undefined ? {} : { hint });
}

function jsonOf({ status, headers, text, url }: HttpAnswer): JsonAnswer | HttpFailure {
  const answer = { state: 'answered', status, headers, url } as const;
  if (status === 204 || status === 304) return { ...answer, value: undefined };
  try {
    return { ...answer, value: JSON.parse(text) as unknown };
  } catch {
    return noJson(text, headers, url, status);
  }
}

/** What came instead of JSON. */
export function noJson(text: string, headers: HttpAnswer['headers'], url: string, status: number, wanted = 'JSON'): HttpFailure {
  const failure = { state: 'failed', reason: 'answer', status } as const;
  const address = shownAddress(url);
  if (/^\s*</.test(text) || headers['content-type']?.includes('html'))
    return {
      ...failure,
      message: `${address} answered a web page (HTML) instead of ${wanted}`,
      hint: 'the address may be that of a page, or want a sign-in',
    };
  if (text.trim() === '') return { ...failure, message: `${address} answered nothing` };
  return /^\s*[[{]/.test(text)
    ? { ...failure, message: `${address} answered JSON that is broken or breaks off after ${text.length} characters` }
    : { ...failure, message: `${address} answered something that is no JSON` };
}
