import { plain } from '../support/terminal-text';
import type { FeedbackFrame, FeedbackItem } from './item';

const longest = { id: 200, title: 200, name: 100, body: 20_000, address: 2_000, path: 1_000 } as const;
const mostFrames = 50;
const mostComponents = 20;
/** Clocks differ a little; what is further ahead is no date. */
const clockMs = 5 * 60_000;

/**
 * An item as it may be kept and shown: its texts bounded and without characters that reorder or hide others,
 * its dates real, its address one of the web, its lines such that exist. What is no date becomes `seenAt`.
 */
export function cleanItem(item: FeedbackItem, seenAt: string): FeedbackItem & { readonly undated?: true } {
  const createdAt = dateOf(item.createdAt, seenAt);
  const { body, author, assignee, url, release, environment, reference, rating, people } = item;
  const title = shortened(oneLine(item.title), longest.title);
  return {
    id: shortened(oneLine(item.id), longest.id),
    kind: item.kind,
    title: title === '' ? '(no title)' : title,
    createdAt: createdAt ?? seenAt,
    ...(createdAt === undefined && { undated: true }),
    count: wholeNumber(item.count) || 1,
    ...(body !== undefined && plain(body).trim() !== '' && { body: bounded(plain(body)) }),
    ...dates(item, seenAt),
    ...(author && { author: shortened(oneLine(author), longest.name) }),
    ...(assignee && { assignee: shortened(oneLine(assignee), longest.name) }),
    ...(url !== undefined && isWebAddress(url) && { url }),
    ...(rating !== undefined && Number.isFinite(rating) && { rating }),
    ...(people !== undefined && wholeNumber(people) > 0 && { people: wholeNumber(people) }),
    ...(release && { release: shortened(oneLine(release), longest.id) }),
    ...(item.releaseCommits && { releaseCommits: item.releaseCommits.filter((commit) => /^[0-9a-f]{40,64}$/.test(commit)) }),
    ...(environment && { environment: shortened(oneLine(environment), longest.name) }),
    ...(item.components && {
      components: item.components.slice(0, mostComponents).map((name) => shortened(oneLine(name), longest.name)),
    }),
    ...(item.frames && { frames: item.frames.slice(0, mostFrames).flatMap((frame) => frameOf(frame) ?? []) }),
    ...(reference && { reference: shortened(oneLine(reference), longest.name) }),
  };
}

function oneLine(text: string): string {
  return plain(text.slice(0, longest.body)).replace(/\s+/g, ' ').trim();
}

function shortened(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

function bounded(text: string): string {
  return text.length <= longest.body ? text : `${text.slice(0, longest.body)}…\n(${text.length - longest.body} more characters)`;
}

function dates(item: FeedbackItem, seenAt: string): { lastSeenAt?: string; closedAt?: string } {
  const lastSeenAt = item.lastSeenAt === undefined ? undefined : dateOf(item.lastSeenAt, seenAt);
  // When exactly it was closed matters less than that it was.
  const closedAt = item.closedAt === undefined ? undefined : (dateOf(item.closedAt, seenAt) ?? seenAt);
  return { ...(lastSeenAt !== undefined && { lastSeenAt }), ...(closedAt !== undefined && { closedAt }) };
}

/** In UTC; undefined for what is no date, or one still to come. */
function dateOf(text: string, now: string): string | undefined {
  const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) || ms > Date.parse(now) + clockMs ? undefined : new Date(ms).toISOString();
}

function isWebAddress(url: string): boolean {
  if (url.length > longest.address || plain(url) !== url) return false;
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
  if (file === '' || file !== frame.file || file.length > longest.path || file.includes('\n')) return undefined;
  const [line, column] = [wholeNumber(frame.line ?? 0), wholeNumber(frame.column ?? 0)];
  return {
    file,
    ...(line > 0 && { line }),
    ...(line > 0 && column > 0 && { column }),
    ...(frame.function && { function: shortened(oneLine(frame.function), longest.name) }),
    ...(frame.inApp !== undefined && { inApp: frame.inApp }),
  };
}
