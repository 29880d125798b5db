import { isAxiosError } from 'axios';
import { STATUS_CODES } from 'node:http';
import { plain } from '../support/terminal-text';
import { httpAddress, maySendToken, shownAddress } from './http-address';

/** A successful response, a 304, or a redirect that the request wants to see. */
export interface HttpAnswer {
  readonly state: 'answered';
  readonly status: number;
  /** Names are in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** The final address, after redirects. */
  readonly url: string;
}

/** Why a request has no usable response. */
export interface HttpFailure {
  readonly state: 'failed';
  /**
   * `offline`: the server is unreachable. `token`: the token is missing or insufficient. `limit`: the rate limit is exceeded.
   * `answer`: any other response.
   */
  readonly reason: 'offline' | 'token' | 'limit' | 'answer';
  /** A sentence for display. */
  readonly message: string;
  readonly hint?: string;
  /** The earliest time for the next request (ISO 8601). */
  readonly retryAt?: string;
  /** The response status; absent without a response. */
  readonly status?: number;
}

/** How the token of a failed request was used. */
interface Sent {
  readonly wasGiven: boolean;
  /** True if the token went to the server that responded. */
  readonly wasSent: boolean;
}

/** Returns why a response is not usable, with the server's own message if it has one. */
export function statusFailure(answer: HttpAnswer, sent: Sent, now = Date.now()): HttpFailure {
  const { status, headers, url } = answer;
  const host = hostOf(url);
  const detail = serverMessage(answer);
  const failure = { state: 'failed', status } as const;
  if (isLimit(answer)) {
    const retryAt = retryTime(headers, now) ?? new Date(now + 60_000).toISOString();
    return { ...failure, reason: 'limit', message: `${host} limits the request rate (${status})${detail}`, retryAt };
  }
  if (status === 401 || status === 403)
    return { ...failure, reason: 'token', ...tokenFailure(answer, host, detail, sent), ...singleSignOnHint(headers) };
  const named = `${status}${STATUS_CODES[status] === undefined ? '' : ` ${STATUS_CODES[status]}`}`;
  const message = `${host} answered ${named} for ${new URL(url).pathname}${detail}`;
  if (status === 407) return { ...failure, reason: 'offline', message: `the proxy for ${host} requires a sign-in (407)` };
  const retryAt = status === 503 ? unavailableUntil(headers, now) : undefined;
  const hint = status === 404 && !sent.wasGiven ? 'private resources require a token' : undefined;
  return { ...failure, reason: 'answer', message, ...(retryAt !== undefined && { retryAt }), ...(hint !== undefined && { hint }) };
}

function isLimit({ status, headers, text }: HttpAnswer): boolean {
  if (status === 429) return true;
  if (status !== 403) return false;
  return headers['x-ratelimit-remaining'] === '0' || headers['retry-after'] !== undefined || /rate limit/i.test(text.slice(0, 2000));
}

/**
 * Returns a hint for organizations on GitHub that require single sign-on (docs.github.com, troubleshooting the REST API: SAML).
 * The address in the header contains a request of the token's, so it is not shown.
 */
function singleSignOnHint(headers: HttpAnswer['headers']): { hint?: string } {
  return headers['x-github-sso']?.startsWith('required')
    ? {
        hint: 'the organization requires single sign-on: authorize the token on GitHub in Settings > Developer settings, or sign in again',
      }
    : {};
}

function tokenFailure(
  { status, url }: HttpAnswer,
  host: string,
  detail: string,
  { wasGiven, wasSent }: Sent,
): { message: string; hint?: string } {
  if (!maySendToken(url)) return { message: `${host} requires a token (${status})${detail}`, hint: 'a token is sent only over https' };
  if (wasGiven && !wasSent)
    return {
      message: `the address redirects to ${host}, which requires a token (${status})`,
      hint: 'a token is sent only to the host it was entered for',
    };
  if (!wasGiven) return { message: `${host} requires a token (${status})${detail}` };
  return status === 401
    ? { message: `${host} does not accept the token (401)${detail}` }
    : { message: `${host} does not let this token do that (403)${detail}` };
}

/** Returns the message in an error response. */
function serverMessage({ text }: HttpAnswer): string {
  if (text.length > 100_000) return '';
  try {
    const value = JSON.parse(text) as Readonly<Record<string, unknown>> | null;
    const words = [value?.['message'], value?.['detail'], value?.['error_description'], value?.['error']]
      .map((one) => (typeof one === 'string' ? one : fieldErrors(one)))
      .find((one) => one !== '');
    return words === undefined ? '' : `: ${plain(words).replace(/\s+/g, ' ').slice(0, 200)}`;
  } catch {
    return '';
  }
}

/** Returns GitLab's errors by field, as in `{"base": ["…"]}`. */
function fieldErrors(value: unknown): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return '';
  return Object.entries(value)
    .flatMap(([field, messages]) => {
      const words = (Array.isArray(messages) ? (messages as unknown[]) : [messages]).filter(
        (one): one is string => typeof one === 'string',
      );
      return words.length === 0 ? [] : [`${field === 'base' ? '' : `${field} `}${words.join(', ')}`];
    })
    .join('; ');
}

interface Attempt {
  readonly isCancelled: boolean;
  readonly isTimeout: boolean;
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

/** Returns why a request got no response, and whether a retry may help. */
export function connectionFailure(
  error: unknown,
  url: string,
  attempt: Attempt,
): { readonly failure: HttpFailure; readonly isTransient: boolean } {
  const host = hostOf(url);
  const offline = (message: string, isTransient = false, hint?: string): ReturnType<typeof connectionFailure> => ({
    failure: { state: 'failed', reason: 'offline', message, ...(hint !== undefined && { hint }) },
    isTransient,
  });
  if (attempt.isCancelled) return offline(`the request to ${host} was cancelled`);
  if (attempt.isTimeout) return offline(`${host} did not answer within ${attempt.timeoutMs / 1000} s`);
  const { code = '', port } = causeOf(error);
  const message = isAxiosError(error) ? error.message : '';
  if (message.startsWith('maxContentLength')) {
    const mega = Math.round(attempt.maxBytes / (1 << 20));
    const tooLarge = `${shownAddress(url)} answered more than ${mega > 0 ? `${mega} MB` : `${attempt.maxBytes} bytes`}`;
    return { failure: { state: 'failed', reason: 'answer', message: tooLarge }, isTransient: false };
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code))
    return offline(`the certificate of ${host} is not trusted (${code})`, false, 'NODE_EXTRA_CA_CERTS names further authorities');
  switch (code) {
    case 'ENOTFOUND':
      return offline(`${host} was not found: check the network and the host name`);
    case 'EAI_AGAIN':
      return offline(`${host} was not found: DNS is unavailable`, true);
    case 'ECONNREFUSED':
      return port === undefined || port === portOf(url)
        ? offline(`${host} refuses connections`, true)
        : offline(`the proxy for ${host} refuses connections (port ${port})`, true);
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return offline(`${host} cannot be reached (${code})`, true);
    case 'EPROTO':
      return offline(`${host} does not support HTTPS, or no TLS version of this machine`);
    default:
      return code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS')
        ? offline(`no secure connection to ${host} (${code})`)
        : offline(`${host} closed the connection${code === '' ? '' : ` (${code})`}`, true);
  }
}

/** Returns only codes and numbers: error messages of libraries may contain the request. */
function causeOf(error: unknown): { readonly code?: string; readonly port?: number } {
  if (!isAxiosError(error)) return {};
  const { code, cause } = error;
  const { port } = (cause ?? {}) as { readonly port?: unknown };
  return { ...(code !== undefined && { code }), ...(typeof port === 'number' && { port }) };
}

function hostOf(url: string): string {
  const address = httpAddress(url);
  return typeof address === 'string' ? 'the server' : address.host;
}

function portOf(url: string): number {
  const { port, protocol } = new URL(url);
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
}

/** The maximum wait, whatever the server requests. */
const maxWaitMs = 24 * 3_600_000;

const remainders = ['x-ratelimit-remaining', 'ratelimit-remaining', 'x-sentry-rate-limit-remaining'];
const resets = ['x-ratelimit-reset', 'ratelimit-reset', 'x-sentry-rate-limit-reset'];

/** Returns the time for the next request according to the headers (names in lower case). ISO 8601; undefined without such a header. */
export function retryTime(headers: Readonly<Record<string, string>>, now: number): string | undefined {
  const at = retryAfterOf(headers['retry-after'], now) ?? resetOf(headers, now);
  return at === undefined ? undefined : new Date(Math.min(Math.max(at, now + 1000), now + maxWaitMs)).toISOString();
}

/** Returns the time for the next request to an unavailable server. Rate limits are ignored: they do not say when the server is back. */
export function unavailableUntil(headers: Readonly<Record<string, string>>, now: number): string | undefined {
  const { 'retry-after': after } = headers;
  return after === undefined ? undefined : retryTime({ 'retry-after': after }, now);
}

/** Parses seconds or a date. */
function retryAfterOf(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d+(\.\d+)?$/.test(value.trim()) ? now + Number(value) * 1000 : Date.parse(value);
  return Number.isNaN(ms) ? undefined : ms;
}

function resetOf(headers: Readonly<Record<string, string>>, now: number): number | undefined {
  // If requests remain, another limit was exceeded than the one that resets then.
  if (remainders.some((one) => Number(headers[one] ?? 0) > 0)) return undefined;
  const name = resets.find((one) => /^\d+(\.\d+)?$/.test(headers[one] ?? ''));
  if (name === undefined) return undefined;
  const seconds = Number(headers[name]);
  // The draft standard counts seconds from now; most servers use Unix time.
  return seconds < 1e8 ? now + seconds * 1000 : seconds * 1000;
}
