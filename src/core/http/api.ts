import { fail, ok, type Result } from '../model/result';
import { httpAddress, shownAddress } from './http-address';
import type { HttpClient, HttpRequest, Sink } from './http-client';
import type { HttpAnswer, HttpFailure } from './http-answer';
import type { Tokens } from '../model/tokens';

export interface ApiAddress {
  readonly kind: string;
  /** The address that paths are appended to. */
  readonly base: string;
  /** The header for the token; `Authorization: Bearer` by default. */
  readonly header?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Encodes the token for the header. Absent: the plain token, after `Bearer` in `Authorization`. */
  readonly credential?: (token: string) => string;
}

export interface JsonAnswer {
  readonly state: 'answered';
  readonly status: number;
  /** Undefined for an empty response, such as 204 or 304. */
  readonly value: unknown;
  /** Names are in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly url: string;
}

/** A JSON API over HTTP, with the token for its host. */
export class Api {
  /** `https://host[:port]`; undefined if the base address is invalid. */
  readonly origin: string | undefined;

  constructor(
    private readonly address: ApiAddress,
    private readonly client: HttpClient,
    private readonly tokens: Tokens,
  ) {
    const base = httpAddress(address.base);
    this.origin = typeof base === 'string' ? undefined : base.origin;
  }

  /** Sends a GET request to a path below the base or to a full address. Never throws. */
  async get(path: string, signal: AbortSignal, headers: Readonly<Record<string, string>> = {}): Promise<JsonAnswer | HttpFailure> {
    const answer = await this.text(path, signal, headers);
    return answer.state === 'failed' ? answer : jsonOf(answer);
  }

  async text(path: string, signal: AbortSignal, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer | HttpFailure> {
    return this.request({ url: this.resolve(path), headers }, signal);
  }

  /** Sends a request once and returns the response body. */
  async write(method: 'POST' | 'PUT' | 'PATCH', path: string, body: unknown): Promise<Result<unknown>> {
    const answer = await this.send(method, path, body, new AbortController().signal);
    return answer.state === 'failed' ? asResult(answer) : ok(answer.value);
  }

  /** Sends a request once and returns the full response, which may be empty. */
  async send(
    method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body: unknown,
    signal: AbortSignal,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<JsonAnswer | HttpFailure> {
    const answer = await this.request({ method, url: this.resolve(path), headers, ...(body !== undefined && { body }) }, signal);
    if (answer.state === 'failed') return answer;
    const { status, text, url } = answer;
    return text.trim() === '' ? { state: 'answered', status, headers: answer.headers, url, value: undefined } : jsonOf(answer);
  }

  /** Submits a form once: all values are in the address. A redirect on the same server counts as a response. */
  async submitForm(path: string, signal: AbortSignal, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer | HttpFailure> {
    return this.request({ method: 'POST', url: this.resolve(path), headers, redirects: 'answer' }, signal);
  }

  /** Streams the response bytes to `sink`: see `HttpRequest.sink`. */
  async stream(
    path: string,
    sink: Sink,
    signal: AbortSignal,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<HttpAnswer | HttpFailure> {
    return this.request({ url: this.resolve(path), headers, sink }, signal);
  }

  private resolve(path: string): string {
    return /^https?:/.test(path) ? path : `${this.address.base.replace(/\/+$/, '')}${path}`;
  }

  private async request(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer | HttpFailure> {
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

/** Returns a failure that describes a response that is not JSON. */
export function noJson(text: string, headers: HttpAnswer['headers'], url: string, status: number, wanted = 'JSON'): HttpFailure {
  const failure = { state: 'failed', reason: 'answer', status } as const;
  const address = shownAddress(url);
  if (/^\s*</.test(text) || headers['content-type']?.includes('html'))
    return {
      ...failure,
      message: `${address} answered a web page (HTML) instead of ${wanted}`,
      hint: 'the address may be a web page or require a sign-in',
    };
  if (text.trim() === '') return { ...failure, message: `${address} answered nothing` };
  return /^\s*[[{]/.test(text)
    ? { ...failure, message: `${address} answered JSON that is broken or breaks off after ${text.length} characters` }
    : { ...failure, message: `${address} answered something that is not JSON` };
}
