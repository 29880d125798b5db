import type { JsonAnswer } from '../../http/api';
import { isGithubRepository } from '../../http/code-host-address';
import type { HttpAnswer } from '../../http/http-answer';
import { httpAddress, shownAddress } from '../../http/http-address';
import { listOf, numberOf, recordOf, textOf } from '../../support/json-value';
import { linkToNext, readPages } from '../../http/pages';
import { readFrom, type ConditionalClient } from '../conditional-client';
import { ok, type CiFailure, type CiResult } from '../ci-client';
import { plain } from '../../support/terminal-text';

export type Fields = Readonly<Record<string, unknown>>;

/** More than any workflow needs: 256 jobs of a matrix, 100 on a page. */
const maxPages = 30;

/** Sends requests about one repository. Paths are relative to it; an empty path is the repository itself. */
export class GithubRepository {
  private readonly folder: string;

  constructor(
    readonly client: ConditionalClient,
    /** `owner/name` */
    readonly name: string,
  ) {
    this.folder = `/repos/${name}`;
  }

  async get(path: string, signal: AbortSignal): Promise<CiResult<Fields>> {
    if (!this.hasValidName) return this.invalidName();
    const answer = await this.client.get(`${this.folder}${path}`, signal);
    if (answer.state === 'failed') return answer;
    const fields = recordOf(answer.value);
    return fields ? ok(fields) : unexpectedJson('an object', answer);
  }

  /** Returns all pages of a list, which is under `key` if given. Entries that are not objects are skipped. */
  async list(path: string, key: string | undefined, signal: AbortSignal, maxCount = maxPages): Promise<CiResult<readonly Fields[]>> {
    if (!this.hasValidName) return this.invalidName();
    const list = await readPages<JsonAnswer>({
      first: `${this.folder}${path}`,
      get: async (url) => {
        const answer = await this.client.get(url, signal);
        if (answer.state === 'failed' || Array.isArray(this.entriesOf(answer, key))) return answer;
        return unexpectedJson(key === undefined ? 'a list' : `a list of ${key}`, answer);
      },
      next: (page) => linkToNext(page)?.address,
      most: maxCount,
    });
    if (list.state === 'failed') return list;
    if (list.cut !== undefined && maxCount > 1) return { state: 'failed', reason: 'answer', message: `${this.name}: ${list.cut}` };
    return ok(
      list.pages.flatMap((page) =>
        listOf(this.entriesOf(page, key))
          .map(recordOf)
          .filter((one) => one !== undefined),
      ),
    );
  }

  async post(path: string, body: unknown, signal: AbortSignal): Promise<JsonAnswer | CiFailure> {
    return this.hasValidName ? this.client.write('POST', `${this.folder}${path}`, body, signal) : this.invalidName();
  }

  async bytes(path: string, from: number, write: (bytes: Buffer) => void, signal: AbortSignal): Promise<HttpAnswer | CiFailure> {
    return this.hasValidName ? readFrom(this.client, `${this.folder}${path}`, from, write, signal) : this.invalidName();
  }

  private entriesOf({ value }: JsonAnswer, key: string | undefined): unknown {
    return key === undefined ? value : recordOf(value)?.[key];
  }

  private get hasValidName(): boolean {
    return isGithubRepository(this.name);
  }

  private invalidName(): CiFailure {
    return {
      state: 'failed',
      reason: 'answer',
      message: `“${this.name}” is not of the form owner/name`,
      hint: 'origin must be a repository on GitHub',
    };
  }
}

function unexpectedJson(expected: string, { url, status }: JsonAnswer): CiFailure {
  return { state: 'failed', reason: 'answer', status, message: `${shownAddress(url)} answered JSON that is not ${expected}` };
}

/** Returns the first line of untrusted text, shortened, or undefined if it is empty. */
export function lineOf(value: unknown, maxLength = 200): string | undefined {
  const text = plain(textOf(value) ?? '')
    .trim()
    .split('\n')[0]
    ?.trim();
  if (text === undefined || text === '') return undefined;
  return text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
}

/** Returns an HTTP address, or undefined for anything that must not become a link. */
export function linkOf(value: unknown): string | undefined {
  const text = textOf(value);
  const address = text === undefined ? undefined : httpAddress(text);
  return address === undefined || typeof address === 'string' ? undefined : text;
}

/** Returns a numeric id, which is safe as a part of a path. */
export function idOf(value: unknown): string | undefined {
  const id = textOf(value);
  return id !== undefined && /^\d+$/.test(id) ? id : undefined;
}

/** Returns a count, at least 1. */
export function countOf(value: unknown): number {
  const count = numberOf(value);
  return count !== undefined && Number.isInteger(count) && count > 0 ? count : 1;
}

export function loginOf(value: unknown): string | undefined {
  return lineOf(recordOf(value)?.['login'], 100);
}

export function failure(message: string, hint?: string): CiFailure {
  return { state: 'failed', reason: 'answer', message, hint };
}

/** Returns the path of a workflow: GitHub accepts the file name as its id. */
export function workflowOf(file: string): string {
  return `/actions/workflows/${encodeURIComponent(file.split('/').at(-1) ?? '')}`;
}
