import type { HttpClient } from '../../http/http-client';
import type { HttpAnswer, HttpFailure } from '../../http/http-answer';
import { recordOf, textOf } from '../../support/json-value';
import type { Tokens } from '../../model/tokens';
import { ConditionalClient } from '../conditional-client';
import { ok, type CiFailure, type CiResult } from '../ci-client';

/** Where a Jenkins is, and how it is asked. Its remote API: https://www.jenkins.io/doc/book/using/remote-access-api/ */
export class JenkinsApi {
  readonly asking: ConditionalClient;
  /** Of the job, below the server. */
  readonly jobPath: string;

  constructor(
    readonly server: string,
    readonly job: string,
    client: HttpClient,
    tokens: Tokens,
  ) {
    const base = server.replace(/\/+$/, '');
    // The token is a user's: both are sent, as RFC 7617 writes them.
    const credential = (token: string): string => `Basic ${Buffer.from(token).toString('base64')}`;
    this.asking = new ConditionalClient({ kind: 'jenkins', base, credential }, client, tokens);
    const names = job.split('/').filter((name) => name !== '');
    this.jobPath = names.map((name) => `/job/${encodeURIComponent(name)}`).join('');
    this.base = base;
  }

  /** Without a slash at its end. */
  readonly base: string;

  get jobUrl(): string {
    return `${this.base}${this.jobPath}/`;
  }

  buildUrl(number: number): string {
    return `${this.jobUrl}${number}/`;
  }

  /** What is answered as an object. */
  async record(path: string, signal: AbortSignal): Promise<CiResult<Readonly<Record<string, unknown>>>> {
    const answer = await this.asking.get(path, signal);
    if (answer.state === 'failed') return answer;
    const record = recordOf(answer.value);
    return record ? ok(record) : unclear(`Jenkins answered no object for ${path.replace(/\?.*$/s, '')}`);
  }

  /**
   * Where a refusal names a crumb, one is fetched and it is sent once more: nothing was done by the first. A token of the API needs
   * none (https://www.jenkins.io/doc/book/security/csrf-protection/), but what stands before Jenkins may let no token through.
   */
  async press(path: string, signal: AbortSignal): Promise<HttpAnswer | CiFailure> {
    const first = await this.asking.api.press(path, signal);
    const answer =
      first.state === 'failed' && first.status === 403 && /crumb/i.test(first.message) ? await this.withCrumb(path, signal, first) : first;
    if (answer.state === 'failed') return answer.status === 404 || answer.status === 410 ? { ...answer, gone: true } : answer;
    this.asking.heard(answer.headers);
    const { location } = answer.headers;
    if (answer.status >= 300 && location !== undefined && /\/(?:login|securityRealm)\b/.test(location))
      return {
        state: 'failed',
        reason: 'token',
        message: `Jenkins wants a sign-in and leads to its page (${answer.status})`,
        status: answer.status,
      };
    return answer;
  }

  private async withCrumb(path: string, signal: AbortSignal, refused: HttpFailure): Promise<HttpAnswer | HttpFailure> {
    const answer = await this.record('/crumbIssuer/api/json', signal);
    if (answer.state === 'failed') return refused;
    const [field, crumb] = [textOf(answer.value['crumbRequestField']), textOf(answer.value['crumb'])];
    if (field === undefined || crumb === undefined || !/^[\w.-]+$/.test(field) || !/^[\w.:-]+$/.test(crumb)) return refused;
    return this.asking.api.press(path, signal, { [field]: crumb });
  }
}

/** An answer that says something else than it should. */
export function unclear(message: string, hint?: string): CiFailure {
  return { state: 'failed', reason: 'answer', message, ...(hint !== undefined && { hint }) };
}
