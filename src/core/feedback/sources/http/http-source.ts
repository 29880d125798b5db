import { createHash } from 'node:crypto';
import type { HttpSourceDefinition } from './descriptor';
import { Api, noJson } from '../../../http/api';
import { httpAddress, shownAddress } from '../../../http/http-address';
import type { HttpClient } from '../../../http/http-client';
import type { HttpAnswer, HttpFailure } from '../../../http/http-answer';
import { readHttpItem } from './http-item';
import type { FeedbackItem } from '../../item';
import { recordOf, textOf, valueAt } from '../../../support/json-value';
import { linkToNext, readPages } from '../../../http/pages';
import type { Answer, FeedbackSource, FetchState, SourceFailure } from '../../source';
import type { Tokens } from '../../../model/tokens';
import { warningOf } from '../issue-tracker';

const mostPages = 20;

/** JSON over HTTP: a list, a list within an object, or JSON lines. */
export function openHttpSource(settings: HttpSourceDefinition, client: HttpClient, tokens: Tokens): FeedbackSource {
  const { url, header } = settings;
  const headers = { Accept: 'application/json, application/x-ndjson, */*;q=0.1' };
  const api = new Api({ kind: 'http', base: url, headers, ...(header !== undefined && { header }) }, client, tokens);
  const name = nameOf(url);
  return {
    kind: 'http',
    name,
    ...(api.origin !== undefined && { host: api.origin }),
    fetch: async (memory, signal) => fetchItems(settings, name, api, memory, signal),
    actions: {},
  };
}

/** Returns a hash of the query: it distinguishes sources without showing secrets. */
function nameOf(url: string): string {
  const query = /\?(.*)$/s.exec(url)?.[1] ?? '';
  const hash = createHash('sha256').update(query).digest('hex').slice(0, 6);
  const address = typeof httpAddress(url) === 'string' ? url.replace(/[?#].*$/s, '') : shownAddress(url);
  return `http ${address}${query === '' ? '' : ` ${hash}`}`;
}

interface BodyPage extends HttpAnswer {
  readonly body: Body;
  readonly values: readonly unknown[];
}

async function fetchItems(
  settings: HttpSourceDefinition,
  name: string,
  api: Api,
  memory: FetchState,
  signal: AbortSignal,
): Promise<Answer> {
  const { etag } = memory;
  let isUnchanged = false;
  let before: string | undefined;
  const list = await readPages<BodyPage>({
    first: firstOf(settings),
    get: async (url, index) => {
      const isKnown = index === 0 && etag !== undefined;
      const answer = await api.text(url, signal, isKnown ? { 'If-None-Match': etag } : {});
      if (answer.state === 'failed') return answer;
      isUnchanged = answer.status === 304;
      const body = isUnchanged ? { value: [], unread: [] } : parseBody(answer);
      if ('state' in body) return body;
      const values = valuesOf(body.value, settings);
      return values ? { ...answer, body, values } : noList(settings, answer.url);
    },
    next: (page, index) => {
      // A server without page numbers returns the first page repeatedly.
      const isSame = page.text === before;
      before = page.text;
      return isSame ? page.url : nextOf(settings, page, index);
    },
    most: mostPages,
  });
  if (list.state === 'failed') return list;
  return isUnchanged ? { state: 'unchanged' } : answerOf(settings, name, list.pages, list.cut);
}

function answerOf(settings: HttpSourceDefinition, name: string, pages: readonly BodyPage[], cut: string | undefined): Answer {
  const items = new Map<string, FeedbackItem>();
  const unread = pages.flatMap(({ body }) => body.unread);
  for (const [index, value] of pages.flatMap(({ values }) => values).entries()) {
    const item = readHttpItem(value, settings);
    if (typeof item === 'string') unread.push(`item ${index + 1} ${item}`);
    else items.set(item.id, item);
  }
  const warning = warningOf(name, unread, cut);
  const etag = pages[0]?.headers['etag'];
  return {
    state: 'items',
    items: [...items.values()],
    // An item that cannot be read now may be known from an earlier fetch.
    isComplete: warning === undefined,
    // The ETag of a page does not cover the pages after it.
    memory: pages.length === 1 && etag !== undefined && warning === undefined ? { etag } : {},
    ...(warning !== undefined && { warning }),
  };
}

function firstOf({ url, page }: HttpSourceDefinition): string {
  return page === undefined ? url : withParameter(url, page, '1');
}

/** Returns the address of the next page from the configured field; from the `Link` header by default. */
function nextOf({ url, next, cursor, page: counter }: HttpSourceDefinition, page: BodyPage, index: number): string | undefined {
  if (counter !== undefined) return page.values.length === 0 ? undefined : withParameter(url, counter, String(index + 2));
  if (next === undefined) return linkToNext(page)?.address;
  const named = textOf(valueAt(page.body.value, next));
  return named === undefined || cursor === undefined ? named : withParameter(url, cursor, named);
}

function withParameter(url: string, name: string, value: string): string {
  const address = httpAddress(url);
  if (typeof address === 'string') return url;
  address.searchParams.set(name, value);
  return address.href;
}

function noList({ items }: HttpSourceDefinition, url: string): SourceFailure {
  const looked = items === undefined ? 'no list, also not as items, data or results' : `no list at ${items}`;
  return { state: 'failed', reason: 'answer', message: `${shownAddress(url)} answered JSON that holds ${looked}` };
}

export interface Body {
  /** A JSON value; JSON lines become a list. */
  readonly value: unknown;
  /** Lines that are not JSON. */
  readonly unread: readonly string[];
}

/** Parses JSON or JSON lines. */
export function parseBody({ text, headers, url, status }: HttpAnswer): Body | HttpFailure {
  const whole = parsed(text);
  if (whole) return { ...whole, unread: [] };
  const lines = text.split('\n').map((line, index) => ({ line, number: index + 1 }));
  const written = lines.filter(({ line }) => line.trim() !== '').map(({ line, number }) => ({ number, json: parsed(line) }));
  // A truncated JSON document may contain valid lines, but its first line is not valid.
  if (!text.trimStart().startsWith('{') || !written[0]?.json) return noJson(text, headers, url, status);
  return {
    value: written.flatMap(({ json }) => json?.value ?? []),
    unread: written.filter(({ json }) => !json).map(({ number }) => `line ${number} is no JSON`),
  };
}

function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

/** Returns the list in a page; undefined if it contains none. */
export function valuesOf(value: unknown, settings: HttpSourceDefinition): readonly unknown[] | undefined {
  if (settings.items !== undefined) return listOrNothing(valueAt(value, settings.items));
  if (Array.isArray(value)) return value as readonly unknown[];
  const record = recordOf(value);
  const name = ['items', 'data', 'results'].find((one) => record && Object.hasOwn(record, one));
  if (name !== undefined) return listOrNothing(record?.[name]);
  // A single JSON line is an object.
  return typeof readHttpItem(value, settings) === 'string' ? undefined : [value];
}

/** Some servers send null for an empty list. */
function listOrNothing(value: unknown): readonly unknown[] | undefined {
  if (value === null) return [];
  return Array.isArray(value) ? (value as readonly unknown[]) : undefined;
}
