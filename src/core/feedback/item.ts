import type { Frame } from '../model/problem';
import { numberOf, present, recordOf, textOf } from '../support/json-value';
import { plain } from '../support/terminal-text';

export const feedbackKinds = ['error', 'comment', 'rating', 'ticket'] as const;
export type FeedbackKind = (typeof feedbackKinds)[number];

/** A stack frame as the source reports it. */
export interface FeedbackFrame extends Frame {
  readonly function?: string;
  /** Whether the source considers it the service's own code; absent if unknown. */
  readonly inApp?: boolean;
}

/** Reads a frame in the format of feedback files. */
export function readFrame(value: unknown): FeedbackFrame | undefined {
  const frame = recordOf(value);
  const file = textOf(frame?.['path']);
  if (!frame || file === undefined) return undefined;
  const inApp = typeof frame['inApp'] === 'boolean' ? frame['inApp'] : undefined;
  return {
    file,
    ...present({ line: numberOf(frame['line']), column: numberOf(frame['column']), function: textOf(frame['function']), inApp }),
  };
}

/** A report from a customer, as the source delivers it. All texts are external: they are displayed, never trusted. */
export interface FeedbackItem {
  /** Unique within its source. */
  readonly id: string;
  readonly kind: FeedbackKind;
  /** A single line. */
  readonly title: string;
  readonly body?: string;
  /** The time of the first report. ISO 8601, UTC. */
  readonly createdAt: string;
  /** The time of the last report or change. ISO 8601, UTC. */
  readonly lastSeenAt?: string;
  readonly closedAt?: string;
  readonly author?: string;
  /** An http or https URL. */
  readonly url?: string;
  readonly rating?: number;
  /** The number of reports; at least 1. */
  readonly count: number;
  readonly people?: number;
  /** The release that the source names: a commit, a tag or a version. */
  readonly release?: string;
  /** The commits of that release according to the source, newest first. */
  readonly releaseCommits?: readonly string[];
  readonly environment?: string;
  /** Names of components, labels or teams. */
  readonly components?: readonly string[];
  /** Innermost call first. */
  readonly frames?: readonly FeedbackFrame[];
  readonly assignee?: string;
  /** The name of the item in commit messages, such as `#12` or `SHOP-1A`. Absent: the id. */
  readonly reference?: string;
}

export type KnownItem = FeedbackItem & { readonly undated?: true };

/** Returns the time of the last report (ISO 8601, UTC). */
export function lastSeen(item: FeedbackItem): string {
  return item.lastSeenAt ?? item.createdAt;
}

const maxLength = { id: 200, title: 200, name: 100, body: 20_000, address: 2_000, path: 1_000 } as const;
const maxFrames = 50;
const maxComponents = 20;
/** Tolerated clock difference. A date further in the future is invalid. */
const clockToleranceMs = 5 * 60_000;

/**
 * Returns a copy that is safe to store and show: bounded texts without characters that reorder or hide others, valid dates, web
 * URLs and positive line numbers. An invalid creation date becomes `seenAt`.
 */
export function cleanItem(item: FeedbackItem, seenAt: string): KnownItem {
  const createdAt = dateOf(item.createdAt, seenAt);
  const { body, author, assignee, url, release, environment, reference, rating, people } = item;
  const title = shortened(oneLine(item.title), maxLength.title);
  return {
    id: shortened(oneLine(item.id), maxLength.id),
    kind: item.kind,
    title: title === '' ? '(no title)' : title,
    createdAt: createdAt ?? seenAt,
    ...(createdAt === undefined && { undated: true }),
    count: wholeNumber(item.count) || 1,
    ...(body !== undefined && plain(body).trim() !== '' && { body: bounded(plain(body)) }),
    ...dates(item, seenAt),
    ...(author && { author: shortened(oneLine(author), maxLength.name) }),
    ...(assignee && { assignee: shortened(oneLine(assignee), maxLength.name) }),
    ...(url !== undefined && isWebAddress(url) && { url }),
    ...(rating !== undefined && Number.isFinite(rating) && { rating }),
    ...(people !== undefined && wholeNumber(people) > 0 && { people: wholeNumber(people) }),
    ...(release && { release: shortened(oneLine(release), maxLength.id) }),
    ...(item.releaseCommits && { releaseCommits: item.releaseCommits.filter((commit) => /^[0-9a-f]{40,64}$/.test(commit)) }),
    ...(environment && { environment: shortened(oneLine(environment), maxLength.name) }),
    ...(item.components && {
      components: item.components.slice(0, maxComponents).map((name) => shortened(oneLine(name), maxLength.name)),
    }),
    ...(item.frames && { frames: item.frames.slice(0, maxFrames).flatMap((frame) => frameOf(frame) ?? []) }),
    ...(reference && { reference: shortened(oneLine(reference), maxLength.name) }),
  };
}

function oneLine(text: string): string {
  return plain(text.slice(0, maxLength.body)).replace(/\s+/g, ' ').trim();
}

function shortened(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

function bounded(text: string): string {
  return text.length <= maxLength.body ? text : `${text.slice(0, maxLength.body)}…\n(${text.length - maxLength.body} more characters)`;
}

function dates(item: FeedbackItem, seenAt: string): { lastSeenAt?: string; closedAt?: string } {
  const lastSeenAt = item.lastSeenAt === undefined ? undefined : dateOf(item.lastSeenAt, seenAt);
  // The item is closed, even if the time is unknown.
  const closedAt = item.closedAt === undefined ? undefined : (dateOf(item.closedAt, seenAt) ?? seenAt);
  return { ...(lastSeenAt !== undefined && { lastSeenAt }), ...(closedAt !== undefined && { closedAt }) };
}

/** Returns the date in UTC; undefined if it is invalid or in the future. */
function dateOf(text: string, now: string): string | undefined {
  const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) || ms > Date.parse(now) + clockToleranceMs ? undefined : new Date(ms).toISOString();
}

function isWebAddress(url: string): boolean {
  if (url.length > maxLength.address || plain(url) !== url) return false;
  try {
    return /^https?:$/.test(new URL(url).protocol);
  } catch {
    return false;
  }
}

function wholeNumber(value: number): number {
  return Number.isFinite(value) ? Math.max(0, Math.floor(value)) : 0;
}

function frameOf(frame: FeedbackFrame): FeedbackFrame | undefined {
  const file = plain(frame.file);
  if (file === '' || file !== frame.file || file.length > maxLength.path || file.includes('\n')) return undefined;
  const [line, column] = [wholeNumber(frame.line ?? 0), wholeNumber(frame.column ?? 0)];
  return {
    file,
    ...(line > 0 && { line }),
    ...(line > 0 && column > 0 && { column }),
    ...(frame.function && { function: shortened(oneLine(frame.function), maxLength.name) }),
    ...(frame.inApp !== undefined && { inApp: frame.inApp }),
  };
}
