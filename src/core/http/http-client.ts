import axios, { type AxiosResponse } from 'axios';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { httpAddress, isThisMachine, maySendToken, withoutSecret } from './http-address';
import { type HttpAnswer, type HttpFailure, connectionFailure, statusFailure } from './http-answer';

/** A token that is sent to one origin only. */
export interface Secret {
  /** `https://host[:port]` */
  readonly origin: string;
  readonly header: string;
  readonly token: string;
  /** The prefix, such as `Bearer`. */
  readonly scheme?: string;
  /** The encoded token to send instead. */
  readonly value?: string;
}

export interface HttpRequest {
  /** Only `GET` is retried. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly secret?: Secret | undefined;
  /**
   * Receives the body of a successful response as it arrives; its `text` is then empty. Such a request is limited in idle time
   * instead of size, and is not retried, because the sink keeps the received bytes.
   */
  readonly sink?: Sink;
  /** Returns a redirect within the same server as the response, because forms respond with one. By default it is followed. */
  readonly redirects?: 'answer';
}

export type Sink = (bytes: Buffer, head: Pick<HttpAnswer, 'status' | 'headers'>) => void;

export interface HttpOptions {
  /** How proxies are found: by environment variables, or by the host program below this client. */
  readonly proxy: 'environment' | 'host';
  /** The time limit from the start of a request to the last byte of the response. */
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
  /** The delay before the first retry; doubled for the next. */
  readonly retryMs?: number;
}

const maxRedirections = 5;
const maxRetries = 2;
/** The maximum length of an error response. */
const maxErrorText = 100_000;

/** Sends HTTP requests with limits on time and size. A token goes only to its own origin and never appears in messages. */
export class HttpClient {
  private readonly proxy: HttpOptions['proxy'];
  private readonly timeoutMs: number;
  private readonly maxBytes: number;
  private readonly retryMs: number;

  constructor({ proxy, timeoutMs = 15_000, maxBytes = 10 << 20, retryMs = 500 }: HttpOptions) {
    this.proxy = proxy;
    this.timeoutMs = timeoutMs;
    this.maxBytes = maxBytes;
    this.retryMs = retryMs;
  }

  /** Sends a request and never throws. Transient failures of `GET` are retried twice. */
  async send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer | HttpFailure> {
    const isSafe = (request.method ?? 'GET') === 'GET' && !request.sink;
    for (let tries = 0; ; tries++) {
      const { answer, isTransient } = await this.attempt(request, signal);
      if (!isSafe || tries === maxRetries || signal.aborted || !isTransient) return answer;
      const wait = this.retryMs * 2 ** tries * (0.5 + Math.random());
      await delay(wait, undefined, { signal }).catch(() => undefined);
    }
  }

  private async attempt(request: HttpRequest, signal: AbortSignal): Promise<{ answer: HttpAnswer | HttpFailure; isTransient: boolean }> {
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), this.timeoutMs);
    try {
      const answer = await this.follow(request, AbortSignal.any([signal, timeout.signal]), () => timer.refresh());
      const isTransient = answer.state === 'failed' && answer.retryAt === undefined && [502, 503, 504].includes(answer.status ?? 0);
      return { answer, isTransient };
    } catch (error) {
      const { timeoutMs, maxBytes } = this;
      const attempt = { isCancelled: signal.aborted, isTimeout: timeout.signal.aborted, timeoutMs, maxBytes };
      const { failure, isTransient } = connectionFailure(error, request.url, attempt);
      return { answer: failure, isTransient };
    } finally {
      clearTimeout(timer);
    }
  }

  private async follow(request: HttpRequest, signal: AbortSignal, onData: () => void): Promise<HttpAnswer | HttpFailure> {
    const visited = new Set<string>();
    let address = httpAddress(request.url);
    let { secret } = request;
    for (;;) {
      if (typeof address === 'string') return { state: 'failed', reason: 'answer', message: address };
      if (visited.size > maxRedirections || visited.has(address.href))
        return { state: 'failed', reason: 'answer', message: `${address.host} redirects too often` };
      visited.add(address.href);
      // The token stays away after the first redirect to another origin: a redirect back comes from that origin.
      if (secret && (address.origin !== secret.origin || !maySendToken(address))) secret = undefined;
      const response = await this.request(request, address, secret, signal, onData);
      const location = redirectOf(response);
      if (location === undefined) return answerOf(request, response, address, secret);
      const target = httpAddress(location, address);
      if (request.redirects === 'answer' && typeof target !== 'string' && target.origin === address.origin)
        return { state: 'answered', status: response.status, headers: namesInLowerCase(response.headers), text: '', url: address.href };
      if (typeof target !== 'string' && !mayFollow(request, response.status, address, target))
        return {
          state: 'failed',
          reason: 'answer',
          message: `${address.host} redirects the request to ${target.host} (${response.status})`,
          hint: 'nothing was changed; use the new address',
        };
      address = target;
    }
  }

  private async request(
    { method = 'GET', headers = {}, body, sink }: HttpRequest,
    address: URL,
    secret: Secret | undefined,
    signal: AbortSignal,
    onData: () => void,
  ): Promise<AxiosResponse<string>> {
    const response = await axios.request<string | Readable>({
      url: address.href,
      method,
      headers: {
        Accept: 'application/json',
        'User-Agent': 'deliver',
        ...headers,
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...(secret && {
          [secret.header]: secret.value ?? (secret.scheme === undefined ? secret.token : `${secret.scheme} ${secret.token}`),
        }),
      },
      ...(body !== undefined && { data: JSON.stringify(body) }),
      // A token for this machine must not reach a proxy.
      ...((this.proxy === 'host' || isThisMachine(address)) && { proxy: false }),
      // Redirects are followed by this class: libraries remove only some headers as secrets.
      maxRedirects: 0,
      ...(!sink && { maxContentLength: this.maxBytes }),
      responseType: sink ? 'stream' : 'text',
      transformResponse: (text: string) => text,
      validateStatus: () => true,
      signal,
    });
    const { data } = response;
    return { ...response, data: typeof data === 'string' ? data : await this.drain(response as AxiosResponse<Readable>, sink, onData) };
  }

  /** Returns the part of the body that did not go to the sink. */
  private async drain({ status, headers, data }: AxiosResponse<Readable>, sink: Sink | undefined, onData: () => void): Promise<string> {
    const head = { status, headers: namesInLowerCase(headers) };
    const isWanted = status >= 200 && status < 300;
    let text = '';
    for await (const chunk of data as AsyncIterable<Buffer>) {
      onData();
      if (isWanted) sink?.(chunk, head);
      else if (text.length < maxErrorText) text += chunk.toString();
      else break;
    }
    return text;
  }
}

function redirectOf({ status, headers }: AxiosResponse<string>): string | undefined {
  const { location } = headers as Readonly<Record<string, unknown>>;
  return [301, 302, 303, 307, 308].includes(status) && typeof location === 'string' ? location : undefined;
}

/** A write is redirected only within its origin and with the same method and body. */
function mayFollow({ method = 'GET' }: HttpRequest, status: number, from: URL, to: URL): boolean {
  return method === 'GET' || (from.origin === to.origin && (status === 307 || status === 308));
}

function answerOf(request: HttpRequest, response: AxiosResponse<string>, address: URL, sent: Secret | undefined): HttpAnswer | HttpFailure {
  const headers = namesInLowerCase(response.headers);
  const { status } = response;
  const text = withoutSecret(response.data, request.secret?.token);
  const answer: HttpAnswer = { state: 'answered', status, headers, text, url: address.href };
  const isFine = (status >= 200 && status < 300) || (status === 304 && request.headers?.['If-None-Match'] !== undefined);
  return isFine ? answer : statusFailure(answer, { wasSent: sent !== undefined, wasGiven: request.secret !== undefined });
}

function namesInLowerCase(headers: AxiosResponse['headers']): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));
}
