import axios, { type AxiosResponse } from 'axios';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { httpAddress, withoutSecret } from './http-address';
import { type HttpAnswer, type HttpFailure, brokenOff, failureOfStatus } from './http-answer';

/** What goes to one origin alone. */
export interface Secret {
  /** `https://host[:port]` */
  readonly origin: string;
  readonly header: string;
  readonly token: string;
  /** What stands before it, as `Bearer`. */
  readonly scheme?: string;
  /** What is sent instead of it, where it is encoded. */
  readonly value?: string;
}

export interface HttpRequest {
  /** Only `GET` is ever sent twice. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly secret?: Secret | undefined;
  /**
   * Takes the answer as it arrives, where it says that all went well; its `text` is empty then. Such a request is not bounded in
   * size, only in silence, and it is sent once: what was taken stays taken.
   */
  readonly sink?: Sink;
  /** Hands a redirect on at the same server over as the answer: pages answer so to what was written. Else it is followed where it may be. */
  readonly redirects?: 'answer';
}

export type Sink = (bytes: Buffer, head: Pick<HttpAnswer, 'status' | 'headers'>) => void;

export interface HttpOptions {
  /** Who knows of proxies: the variables of the environment, or the program that hosts this one and sees to it below. */
  readonly proxy: 'environment' | 'host';
  /** For a request from its start to the last byte of the answer. */
  readonly timeoutMs?: number;
  readonly mostBytes?: number;
  /** Before the first retry; doubled for the next. */
  readonly retryMs?: number;
}

const mostRedirects = 5;
const mostRetries = 2;
/** Of an answer that says that something went wrong. */
const mostComplaint = 100_000;

/** Asks servers, within bounds of time and size. A secret goes to its own origin and is never named. */
export class HttpClient {
  private readonly proxy: HttpOptions['proxy'];
  private readonly timeoutMs: number;
  private readonly mostBytes: number;
  private readonly retryMs: number;

  constructor({ proxy, timeoutMs = 15_000, mostBytes = 10 << 20, retryMs = 500 }: HttpOptions) {
    this.proxy = proxy;
    this.timeoutMs = timeoutMs;
    this.mostBytes = mostBytes;
    this.retryMs = retryMs;
  }

  /** Never throws. What is transient is asked again twice, where that does no harm. */
  async send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer | HttpFailure> {
    const isSafe = (request.method ?? 'GET') === 'GET' && !request.sink;
    for (let tries = 0; ; tries++) {
      const { answer, isTransient } = await this.once(request, signal);
      if (!isSafe || tries === mostRetries || signal.aborted || !isTransient) return answer;
      const wait = this.retryMs * 2 ** tries * (0.5 + Math.random());
      await delay(wait, undefined, { signal }).catch(() => undefined);
    }
  }

  private async once(request: HttpRequest, signal: AbortSignal): Promise<{ answer: HttpAnswer | HttpFailure; isTransient: boolean }> {
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), this.timeoutMs);
    try {
      const answer = await this.follow(request, AbortSignal.any([signal, timeout.signal]), () => timer.refresh());
      const isTransient = answer.state === 'failed' && answer.retryAt === undefined && [502, 503, 504].includes(answer.status ?? 0);
      return { answer, isTransient };
    } catch (error) {
      const { timeoutMs, mostBytes } = this;
      const attempt = { isCancelled: signal.aborted, isTimeout: timeout.signal.aborted, timeoutMs, mostBytes };
      const { failure, isTransient } = brokenOff(error, request.url, attempt);
      return { answer: failure, isTransient };
    } finally {
      clearTimeout(timer);
    }
  }

  private async follow(request: HttpRequest, signal: AbortSignal, heard: () => void): Promise<HttpAnswer | HttpFailure> {
    const visited = new Set<string>();
    let address = httpAddress(request.url);
    let { secret } = request;
    for (;;) {
      if (typeof address === 'string') return { state: 'failed', reason: 'answer', message: address };
      if (visited.size > mostRedirects || visited.has(address.href))
        return { state: 'failed', reason: 'answer', message: `${address.host} redirects again and again` };
      visited.add(address.href);
      // Once away from its origin it stays away: what comes back comes from elsewhere.
      if (secret && address.origin !== secret.origin) secret = undefined;
      const response = await this.request(request, address, secret, signal, heard);
      const location = redirectOf(response);
      if (location === undefined) return answerOf(request, response, address, secret);
      const target = httpAddress(location, address);
      if (request.redirects === 'answer' && typeof target !== 'string' && target.origin === address.origin)
        return { state: 'answered', status: response.status, headers: namesInLowerCase(response.headers), text: '', url: address.href };
      if (typeof target !== 'string' && !mayFollow(request, response.status, address, target))
        return {
          state: 'failed',
          reason: 'answer',
          message: `${address.host} sends what is written there on to ${target.host} (${response.status})`,
          hint: 'nothing was changed; name the address that it moved to',
        };
      address = target;
    }
  }

  private async request(
    { method = 'GET', headers = {}, body, sink }: HttpRequest,
    address: URL,
    secret: Secret | undefined,
    signal: AbortSignal,
    heard: () => void,
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
      ...(this.proxy === 'host' && { proxy: false }),
      // Followed here: libraries take only some headers for secrets.
      maxRedirects: 0,
      ...(!sink && { maxContentLength: this.mostBytes }),
      responseType: sink ? 'stream' : 'text',
      transformResponse: (text: string) => text,
      validateStatus: () => true,
      signal,
    });
    const { data } = response;
    return { ...response, data: typeof data === 'string' ? data : await this.drain(response as AxiosResponse<Readable>, sink, heard) };
  }

  /** What was not for the sink, as text. */
  private async drain({ status, headers, data }: AxiosResponse<Readable>, sink: Sink | undefined, heard: () => void): Promise<string> {
    const head = { status, headers: namesInLowerCase(headers) };
    const isWanted = status >= 200 && status < 300;
    let text = '';
    for await (const chunk of data as AsyncIterable<Buffer>) {
      heard();
      if (isWanted) sink?.(chunk, head);
      else if (text.length < mostComplaint) text += chunk.toString();
      else break;
    }
    return text;
  }
}

function redirectOf({ status, headers }: AxiosResponse<string>): string | undefined {
  const { location } = headers as Readonly<Record<string, unknown>>;
  return [301, 302, 303, 307, 308].includes(status) && typeof location === 'string' ? location : undefined;
}

/** What is written is sent on only where it stays what it is and where it is. */
function mayFollow({ method = 'GET' }: HttpRequest, status: number, from: URL, to: URL): boolean {
  return method === 'GET' || (from.origin === to.origin && (status === 307 || status === 308));
}

function answerOf(request: HttpRequest, response: AxiosResponse<string>, address: URL, sent: Secret | undefined): HttpAnswer | HttpFailure {
  const headers = namesInLowerCase(response.headers);
  const { status } = response;
  const text = withoutSecret(response.data, request.secret?.token);
  const answer: HttpAnswer = { state: 'answered', status, headers, text, url: address.href };
  const isFine = (status >= 200 && status < 300) || (status === 304 && request.headers?.['If-None-Match'] !== undefined);
  return isFine ? answer : failureOfStatus(answer, { wasSent: sent !== undefined, wasGiven: request.secret !== undefined });
}

function namesInLowerCase(headers: AxiosResponse['headers']): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));
}
