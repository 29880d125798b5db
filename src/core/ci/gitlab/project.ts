import type { JsonAnswer } from '../../http/api';
import { recordOf, textOf, valueAt } from '../../support/json-value';
import { linkToNext, readPages } from '../../http/pages';
import { plain } from '../../support/terminal-text';
import type { ConditionalClient } from '../conditional-client';
import { ok, type CiFailure, type CiResult } from '../ci-client';

export type Json = Readonly<Record<string, unknown>>;

const mostPages = 30;

/** A project of a GitLab server, as its API is asked for it. */
export class GitlabProject {
  /** Undefined inside: it has none. */
  private defaultBranch: { readonly name: string | undefined } | undefined;

  constructor(
    readonly asking: ConditionalClient,
    /** `group/name` */
    readonly name: string,
  ) {}

  /** The address of what lies below it; empty for itself. */
  path(below: string): string {
    return `/projects/${encodeURIComponent(this.name)}${below}`;
  }

  async record(below: string, what: string, signal: AbortSignal): Promise<CiResult<Json>> {
    return recordIn(await this.asking.get(this.path(below), signal), what);
  }

  async post(below: string, body: object | undefined, what: string, signal: AbortSignal): Promise<CiResult<Json>> {
    return recordIn(await this.asking.write('POST', this.path(below), body, signal), what);
  }

  /** All pages of a list. One that is not read to its end is a failure: a part is never taken for the whole. */
  async list(below: string, what: string, signal: AbortSignal): Promise<CiResult<readonly unknown[]>> {
    const read = await readPages<JsonAnswer>({
      first: this.path(below),
      get: async (address) => this.asking.get(address, signal),
      next: nextPage,
      most: mostPages,
    });
    if (read.state === 'failed') return read;
    if (read.cut !== undefined) return wrong(`${what} could not be read to the end: ${read.cut}`);
    const values: unknown[] = [];
    for (const { value } of read.pages) {
      if (!Array.isArray(value)) return wrong(`GitLab answered something that is no list of ${what}`);
      values.push(...(value as readonly unknown[]));
    }
    return ok(values);
  }

  /** The branch that everybody delivers from; undefined where GitLab does not say. Asked once. */
  async branch(signal: AbortSignal): Promise<string | undefined> {
    if (this.defaultBranch) return this.defaultBranch.name;
    const project = await this.record('', 'the project', signal);
    if (project.state === 'failed') return undefined;
    this.defaultBranch = { name: textOf(project.value['default_branch']) };
    return this.defaultBranch.name;
  }
}

export function wrong(message: string, hint?: string): CiFailure {
  return { state: 'failed', reason: 'answer', message, ...(hint !== undefined && { hint }) };
}

/** Text of GitLab's to be shown: one line, not too long. */
export function shown(value: unknown, most = 300): string | undefined {
  const text = textOf(value);
  if (text === undefined) return undefined;
  const line = plain(text).replace(/\s+/g, ' ').trim();
  if (line === '') return undefined;
  return line.length > most ? `${line.slice(0, most)}…` : line;
}

/** An address that may become a link. */
export function webAddress(value: unknown): string | undefined {
  const text = textOf(value);
  return text !== undefined && /^https?:\/\/[^\s]+$/i.test(text) && URL.canParse(text) ? text : undefined;
}

export function userOf(record: Json): string | undefined {
  return shown(valueAt(record, 'user.username'), 100);
}

function recordIn(answer: JsonAnswer | CiFailure, what: string): CiResult<Json> {
  if (answer.state === 'failed') return answer;
  const record = recordOf(answer.value);
  return record ? ok(record) : wrong(`GitLab answered something that is not ${what}`);
}

/** Behind a proxy the addresses in `Link` may be another host's: the number of the page is enough (docs.gitlab.com: api/rest, pagination). */
function nextPage(page: JsonAnswer): string | undefined {
  const number = page.headers['x-next-page'];
  if (number === undefined) return linkToNext(page)?.address;
  if (!/^\d+$/.test(number)) return undefined;
  const url = new URL(page.url);
  url.searchParams.set('page', number);
  return url.href;
}
