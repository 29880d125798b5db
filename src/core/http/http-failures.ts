import { isAxiosError } from 'axios';
import { STATUS_CODES } from 'node:http';
import { plain } from '../support/terminal-text';
import { httpAddress, shownAddress } from './http-address';
import type { HttpAnswer, HttpFailure } from './http-answer';
import { backTime, retryTime } from './retry-time';

/** What is known of the secret of a request that was turned down. */
interface Sent {
  readonly wasGiven: boolean;
  /** Also to the server that answered in the end. */
  readonly wasSent: boolean;
}

/** Why an answer is none that can be used, in the server's own words where it has some. */
export function failureOfStatus(answer: HttpAnswer, sent: Sent, now = Date.now()): HttpFailure {
  const { status, headers, url } = answer;
  const host = hostOf(url);
  const said = wordsOf(answer);
  const failure = { state: 'failed', status } as const;
  if (isLimit(answer)) {
    const retryAt = retryTime(headers, now) ?? new Date(now + 60_000).toISOString();
    return { ...failure, reason: 'limit', message: `${host} was asked too often (${status})${said}`, retryAt };
  }
  if (status === 401 || status === 403) return { ...failure, reason: 'token', ...turnedDown(status, host, said, sent), ...signOn(headers) };
  const named = `${status}${STATUS_CODES[status] === undefined ? '' : ` ${STATUS_CODES[status]}`}`;
  const message = `${host} answered ${named} for ${new URL(url).pathname}${said}`;
  if (status === 407) return { ...failure, reason: 'offline', message: `the proxy on the way to ${host} wants to know who asks (407)` };
  const retryAt = status === 503 ? backTime(headers, now) : undefined;
  const hint = status === 404 && !sent.wasGiven ? 'what is private is only found with a token' : undefined;
  return { ...failure, reason: 'answer', message, ...(retryAt !== undefined && { retryAt }), ...(hint !== undefined && { hint }) };
}

function isLimit({ status, headers, text }: HttpAnswer): boolean {
  if (status === 429) return true;
  if (status !== 403) return false;
  return headers['x-ratelimit-remaining'] === '0' || headers['retry-after'] !== undefined || /rate limit/i.test(text.slice(0, 2000));
}

/** Of an organization of GitHub (docs.github.com, troubleshooting the REST API: SAML). Its address holds a request of the token's: it is not shown. */
function signOn(headers: HttpAnswer['headers']): { hint?: string } {
  return headers['x-github-sso']?.startsWith('required')
    ? {
        hint: 'the organization wants single sign-on: authorize the token for it on GitHub, in Settings > Developer settings, or sign in anew',
      }
    : {};
}

function turnedDown(status: number, host: string, said: string, { wasGiven, wasSent }: Sent): { message: string; hint?: string } {
  if (wasGiven && !wasSent)
    return {
      message: `${host}, which the address redirects to, wants a token (${status})`,
      hint: 'a token is only sent to the address it was given for',
    };
  if (!wasGiven) return { message: `${host} wants a token (${status})${said}` };
  return status === 401
    ? { message: `${host} does not accept the token (401)${said}` }
    : { message: `${host} does not let this token do that (403)${said}` };
}

/** The sentence that servers put into their errors. */
function wordsOf({ text }: HttpAnswer): string {
  if (text.length > 100_000) return '';
  try {
    const value = JSON.parse(text) as Readonly<Record<string, unknown>> | null;
    const words = [value?.['message'], value?.['detail'], value?.['error_description'], value?.['error']]
      .map((one) => (typeof one === 'string' ? one : fieldsIn(one)))
      .find((one) => one !== '');
    return words === undefined ? '' : `: ${plain(words).replace(/\s+/g, ' ').slice(0, 200)}`;
  } catch {
    return '';
  }
}

/** Of GitLab, which names what is wrong by field: `{"base": ["…"]}`. */
function fieldsIn(value: unknown): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return '';
  return Object.entries(value)
    .flatMap(([field, said]) => {
      const words = (Array.isArray(said) ? (said as unknown[]) : [said]).filter((one): one is string => typeof one === 'string');
      return words.length === 0 ? [] : [`${field === 'base' ? '' : `${field} `}${words.join(', ')}`];
    })
    .join('; ');
}

interface Attempt {
  readonly isCancelled: boolean;
  readonly isTimeout: boolean;
  readonly timeoutMs: number;
  readonly mostBytes: number;
}

/** Why a request came to no answer, and whether asking again at once may help. */
export function brokenOff(error: unknown, url: string, attempt: Attempt): { readonly failure: HttpFailure; readonly isTransient: boolean } {
  const host = hostOf(url);
  const offline = (message: string, isTransient = false, hint?: string): ReturnType<typeof brokenOff> => ({
    failure: { state: 'failed', reason: 'offline', message, ...(hint !== undefined && { hint }) },
    isTransient,
  });
  if (attempt.isCancelled) return offline(`${host} was not asked to the end`);
  if (attempt.isTimeout) return offline(`${host} did not answer within ${attempt.timeoutMs / 1000} s`);
  const { code = '', port } = causeOf(error);
  const message = isAxiosError(error) ? error.message : '';
  if (message.startsWith('maxContentLength')) {
    const mega = Math.round(attempt.mostBytes / (1 << 20));
    const tooLarge = `${shownAddress(url)} answered more than ${mega > 0 ? `${mega} MB` : `${attempt.mostBytes} bytes`}`;
    return { failure: { state: 'failed', reason: 'answer', message: tooLarge }, isTransient: false };
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code))
    return offline(`the certificate of ${host} is not trusted (${code})`, false, 'NODE_EXTRA_CA_CERTS names further authorities');
  switch (code) {
    case 'ENOTFOUND':
      return offline(`${host} was not found: no network, or another name`);
    case 'EAI_AGAIN':
      return offline(`${host} was not found: the network has no names now`, true);
    case 'ECONNREFUSED':
      return port === undefined || port === portOf(url)
        ? offline(`${host} refuses connections`, true)
        : offline(`the proxy on the way to ${host} refuses connections (port ${port})`, true);
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return offline(`${host} cannot be reached (${code})`, true);
    case 'EPROTO':
      return offline(`${host} does not speak TLS as this machine does, or is no https`);
    default:
      return code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS')
        ? offline(`no safe connection to ${host} (${code})`)
        : offline(`${host} broke the connection off${code === '' ? '' : ` (${code})`}`, true);
  }
}

/** Only codes and numbers: messages of libraries may repeat what was sent. */
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
