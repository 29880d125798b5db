import type { JsonAnswer } from '../../http/api';
import { recordOf, textOf, valueAt } from '../../support/json-value';
import { linkToNext, readPages } from '../../http/pages';
import { plain } from '../../support/terminal-text';
import type { ConditionalClient } from '../conditional-client';
import { ok, type CiFailure, type CiResult } from '../ci-client';

export type Json = Readonly<Record<string, unknown>>;

const maxPages = 30;

/** Sends requests about one project of a GitLab server. */
export class GitlabProject {
  /** `name` is undefined for a project without one. */
  private defaultBranch: { readonly name: string | undefined } | undefined;

  constructor(
    readonly client: ConditionalClient,
    /** `group/name` */
    readonly name: string,
  ) {}

  /** Returns the address of a path below the project; an empty path is the project itself. */
  path(below: string): string {
    return `/projects/${encodeURIComponent(this.name)}${below}`;
  }

  async record(below: string, expected: string, signal: AbortSignal): Promise<CiResult<Json>> {
    return recordIn(await this.client.get(this.path(below), signal), expected);
  }

  async post(below: string, body: object | undefined, expected: string, signal: AbortSignal): Promise<CiResult<Json>> {
    return recordIn(await this.client.write('POST', this.path(below), body, signal), expected);
  }

  /** Returns all pages of a list. An incomplete list is a failure. */
  async list(below: string, expected: string, signal: AbortSignal): Promise<CiResult<readonly unknown[]>> {
    const read = await readPages<JsonAnswer>({
      first: this.path(below),
      get: async (address) => this.client.get(address, signal),
      next: nextPage,
      most: maxPages,
    });
    if (read.state === 'failed') return read;
    if (read.cut !== undefined) return wrong(`${expected} could not be read completely: ${read.cut}`);
    const values: unknown[] = [];
    for (const { value } of read.pages) {
      if (!Array.isArray(value)) return wrong(`GitLab did not return a list of ${expected}`);
      values.push(...(value as readonly unknown[]));
    }
    return ok(values);
  }

  /** Returns the default branch, or undefined if GitLab does not report it. Reads it once. */
  async branch(signal: AbortSignal): Promise<string | undefined> {
    if (this.defaultBranch) return this.defaultBranch.name;
    const project = await this.record('', 'the project', signal);
    if (project.state === 'failed') return undefined;
    this.defaultBranch = { name: textOf(project.value['default_branch']) };
    return this.defaultBranch.name;
  }
}

export function wrong(message: string, hint?: string): CiFailure {
  return { state: 'failed', reason: 'answer', message, hint };
}

/** Returns untrusted text as one shortened line. */
export function shown(value: unknown, maxLength = 300): string | undefined {
  const text = textOf(value);
  if (text === undefined) return undefined;
  const line = plain(text).replace(/\s+/g, ' ').trim();
  if (line === '') return undefined;
  return line.length > maxLength ? `${line.slice(0, maxLength)}…` : line;
}

/** Returns an HTTP address, or undefined for anything that must not become a link. */
export function webAddress(value: unknown): string | undefined {
  const text = textOf(value);
  return text !== undefined && /^https?:\/\/[^\s]+$/i.test(text) && URL.canParse(text) ? text : undefined;
}

export function userOf(record: Json): string | undefined {
  return shown(valueAt(record, 'user.username'), 100);
}

function recordIn(answer: JsonAnswer | CiFailure, expected: string): CiResult<Json> {
  if (answer.state === 'failed') return answer;
  const record = recordOf(answer.value);
  return record ? ok(record) : wrong(`GitLab did not return ${expected}`);
}

/**
 * Returns the next page. Behind a proxy the addresses in `Link` may have another host, so the page number is preferred (docs.gitlab.com:
 * api/rest, pagination).
 */
function nextPage(page: JsonAnswer): string | undefined {
  const number = page.headers['x-next-page'];
  if (number === undefined) return linkToNext(page)?.address;
  if (!/^\d+$/.test(number)) return undefined;
  const url = new URL(page.url);
  url.searchParams.set('page', number);
  return url.href;
}
