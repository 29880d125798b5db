import type { HttpClient } from '../../http/http-client';
import type { HttpAnswer, HttpFailure } from '../../http/http-answer';
import { recordOf, textOf } from '../../support/json-value';
import type { Tokens } from '../../model/tokens';
import { ConditionalClient } from '../conditional-client';
import { ok, type CiFailure, type CiResult } from '../ci-client';
import { plain } from '../../support/terminal-text';

/** The API of a Jenkins server and one of its jobs: https://www.jenkins.io/doc/book/using/remote-access-api/ */
export class JenkinsApi {
  readonly asking: ConditionalClient;
  /** The path of the job on the server. */
  readonly jobPath: string;

  constructor(
    readonly server: string,
    readonly job: string,
    client: HttpClient,
    tokens: Tokens,
  ) {
    const base = server.replace(/\/+$/, '');
    // User and token are sent together (RFC 7617).
    const credential = (token: string): string => `Basic ${Buffer.from(token).toString('base64')}`;
    this.asking = new ConditionalClient({ kind: 'jenkins', base, credential }, client, tokens);
    const names = job.split('/').filter((name) => name !== '');
    this.jobPath = names.map((name) => `/job/${encodeURIComponent(name)}`).join('');
    this.base = base;
  }

  /** The server address without a trailing slash. */
  readonly base: string;

  get jobUrl(): string {
    return `${this.base}${this.jobPath}/`;
  }

  buildUrl(number: number): string {
    return `${this.jobUrl}${number}/`;
  }

  /** Returns a response that is a JSON object. */
  async record(path: string, signal: AbortSignal): Promise<CiResult<Readonly<Record<string, unknown>>>> {
    const answer = await this.asking.get(path, signal);
    if (answer.state === 'failed') return answer;
    const record = recordOf(answer.value);
    return record ? ok(record) : unexpected(`Jenkins answered no object for ${path.replace(/\?.*$/s, '')}`);
  }

  /**
   * Submits a form. If Jenkins rejects it for a missing crumb, fetches one and retries: the first request had no effect. API
   * tokens need no crumb (https://www.jenkins.io/doc/book/security/csrf-protection/), but a proxy may remove the token.
   */
  async submitForm(path: string, signal: AbortSignal): Promise<HttpAnswer | CiFailure> {
    const first = await this.asking.api.submitForm(path, signal);
    const answer =
      first.state === 'failed' && first.status === 403 && /crumb/i.test(first.message) ? await this.withCrumb(path, signal, first) : first;
    if (answer.state === 'failed') return answer.status === 404 || answer.status === 410 ? { ...answer, gone: true } : answer;
    this.asking.heard(answer.headers);
    const { location } = answer.headers;
    if (answer.status >= 300 && location !== undefined && /\/(?:login|securityRealm)\b/.test(location))
      return {
        state: 'failed',
        reason: 'token',
        message: `Jenkins requires a sign-in (${answer.status})`,
        status: answer.status,
      };
    return answer;
  }

  private async withCrumb(path: string, signal: AbortSignal, refused: HttpFailure): Promise<HttpAnswer | HttpFailure> {
    const answer = await this.record('/crumbIssuer/api/json', signal);
    if (answer.state === 'failed') return refused;
    const [field, crumb] = [textOf(answer.value['crumbRequestField']), textOf(answer.value['crumb'])];
    if (field === undefined || crumb === undefined || !/^[\w.-]+$/.test(field) || !/^[\w.:-]+$/.test(crumb)) return refused;
    return this.asking.api.submitForm(path, signal, { [field]: crumb });
  }
}

/** Returns a failure for an unexpected answer. */
export function unexpected(message: string, hint?: string): CiFailure {
  return { state: 'failed', reason: 'answer', message, ...(hint !== undefined && { hint }) };
}

export const refParameter = 'DELIVERY_REF';

/** Returns a text of Jenkins as one line of limited length. */
export function sentence(text: string): string {
  const line = plain(text).replace(/\s+/g, ' ').trim();
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}
