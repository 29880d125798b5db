import type { Api, JsonAnswer } from '../../http/api';
import type { FeedbackItem } from '../item';
import { listOf } from '../../support/json-value';
import { linkToNext, type Pages, readPages } from '../../http/pages';
import type { HttpFailure } from '../../http/http-answer';
import type { Answer, FetchState } from '../source';

export interface ReadIssue {
  readonly item: FeedbackItem;
  /** ISO 8601. */
  readonly updatedAt: string;
}

/** An issue list that can be filtered by time of change. */
export interface IssueTracker {
  readonly name: string;
  readonly api: Api;
  /** Returns the issues that changed at `since` or later, newest change first. */
  address(state: 'open' | 'closed' | 'all', since?: string): string;
  /** Returns undefined for an entry that is not an issue, or why an issue cannot be read. */
  read(value: unknown): ReadIssue | string | undefined;
}

const dayMs = 86_400_000;
const historyMs = 90 * dayMs;
const mostPages = 20;

/**
 * Fetches the issues that changed since the last fetch. Once a day it fetches all open and recently closed issues, because
 * deleted, moved and relabeled issues do not count as changed.
 */
export async function changedIssues(tracker: IssueTracker, memory: FetchState, signal: AbortSignal, now: number): Promise<Answer> {
  const { since, fullAt, etag } = memory;
  const isFull = since === undefined || fullAt === undefined || !(Math.abs(now - Date.parse(fullAt)) < dayMs);
  const from = seconds(now - historyMs);
  const first = await readList(
    tracker,
    isFull ? tracker.address('open') : tracker.address('all', since),
    signal,
    isFull ? undefined : etag,
  );
  if (first.state === 'failed') return first;
  const [{ status, headers }] = first.pages;
  if (status === 304) return { state: 'unchanged' };
  const closed = isFull ? await readList(tracker, tracker.address('closed', from), signal) : undefined;
  if (closed?.state === 'failed') return closed;
  const lists = closed ? [first, closed] : [first];
  const wrong = lists.flatMap(({ pages }) => pages).find(({ value }) => !Array.isArray(value));
  if (wrong) return { state: 'failed', reason: 'answer', message: `${tracker.name} answered something that is no list of issues` };
  const read = readAll(tracker, lists);
  const newest = newestOf(read.issues, Date.parse(headers['date'] ?? ''));
  const next = newest ?? since ?? from;
  const cut = lists.find((list) => list.cut !== undefined)?.cut;
  const warning = warningOf(tracker.name, read.unread, cut);
  // The ETag is valid only for the same query.
  const isSame = !isFull && next === since && first.pages.length === 1;
  return {
    state: 'items',
    items: read.issues.map(({ item }) => item),
    // An issue that cannot be read now may be known from an earlier fetch.
    isComplete: isFull && warning === undefined,
    memory: {
      since: next,
      fullAt: isFull ? new Date(now).toISOString() : fullAt,
      ...(isSame && headers['etag'] !== undefined && { etag: headers['etag'] }),
    },
    ...(warning !== undefined && { warning }),
  };
}

async function readList(
  { api }: IssueTracker,
  first: string,
  signal: AbortSignal,
  etag?: string,
): Promise<Pages<JsonAnswer> | HttpFailure> {
  return readPages({
    first,
    get: async (url, index) => api.get(url, signal, index === 0 && etag !== undefined ? { 'If-None-Match': etag } : {}),
    next: (page) => linkToNext(page)?.address,
    most: mostPages,
  });
}

function readAll(tracker: IssueTracker, lists: readonly Pages<JsonAnswer>[]): { issues: ReadIssue[]; unread: string[] } {
  const issues = new Map<string, ReadIssue>();
  const unread: string[] = [];
  for (const value of lists.flatMap(({ pages }) => pages).flatMap((page) => listOf(page.value))) {
    const issue = tracker.read(value);
    if (typeof issue === 'string') unread.push(issue);
    else if (issue) issues.set(issue.item.id, issue);
  }
  return { issues: [...issues.values()], unread };
}

/** Returns the newest time of change, limited to the start of the fetch: later changes may be missing from the pages. */
function newestOf(issues: readonly ReadIssue[], begun: number): string | undefined {
  const times = issues.map(({ updatedAt }) => Date.parse(updatedAt)).filter((time) => !Number.isNaN(time));
  if (times.length === 0) return undefined;
  const newest = times.reduce((a, b) => Math.max(a, b));
  return seconds(Number.isNaN(begun) ? newest : Math.min(newest, begun));
}

function seconds(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

const named = 3;

/** Returns a sentence about the items that could not be read; undefined if there are none. */
export function warningOf(source: string, unread: readonly string[], ...more: readonly (string | undefined)[]): string | undefined {
  const rest = unread.length > named ? [`and ${unread.length - named} more`] : [];
  const all = [[...unread.slice(0, named), ...rest].join(', '), ...more].filter((words) => words !== undefined && words !== '');
  return all.length === 0 ? undefined : `${source}: ${all.join('; ')}`;
}
