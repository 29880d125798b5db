import { feedbackKinds, type FeedbackFrame, type FeedbackItem } from '../../item';

/** One line of a file of feedback: an item, or that one is closed. */
export type ItemLine = { readonly item: FeedbackItem } | { readonly id: string; readonly closedAt: string };

/** Reads one JSON object of the format that the command line documents; why not, where it is another thing. */
export function parseItemLine(line: string): ItemLine | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return 'is no JSON';
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'is no JSON object';
  const raw = value as Readonly<Record<string, unknown>>;
  const id = textOr(raw['id']) ?? numberOr(raw['id'])?.toString();
  if (id === undefined || id === '') return 'has no id';
  const closedAt = textOr(raw['closedAt']);
  if (closedAt !== undefined && raw['title'] === undefined) return { id, closedAt };
  const title = textOr(raw['title']);
  if (title === undefined) return 'has no title';
  const given = raw['kind'] ?? 'comment';
  const kind = feedbackKinds.find((known) => known === given);
  if (kind === undefined) return `has a kind that is none of ${feedbackKinds.join(', ')}`;
  return { item: { ...detailsOf(raw), id, title, kind, ...(closedAt !== undefined && { closedAt }) } };
}

function detailsOf(raw: Readonly<Record<string, unknown>>): Omit<FeedbackItem, 'id' | 'title' | 'kind' | 'closedAt'> {
  const texts = { body: 'body', author: 'author', url: 'url', environment: 'environment', release: 'commit', lastSeenAt: 'lastSeenAt' };
  const numbers = ['rating', 'people'];
  const component = textOr(raw['component']);
  const { frames } = raw;
  return {
    createdAt: textOr(raw['createdAt']) ?? '',
    count: numberOr(raw['count']) ?? 1,
    ...Object.fromEntries(Object.entries(texts).flatMap(([name, key]) => entry(name, textOr(raw[key])))),
    ...Object.fromEntries(numbers.flatMap((name) => entry(name, numberOr(raw[name])))),
    ...(component !== undefined && { components: [component] }),
    ...(Array.isArray(frames) && { frames: frames.flatMap((frame) => frameOf(frame) ?? []) }),
  };
}

function frameOf(value: unknown): FeedbackFrame | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const raw = value as Readonly<Record<string, unknown>>;
  const file = textOr(raw['path']);
  if (file === undefined) return undefined;
  return {
    file,
    ...Object.fromEntries([...entry('line', numberOr(raw['line'])), ...entry('column', numberOr(raw['column']))]),
    ...Object.fromEntries(entry('function', textOr(raw['function']))),
    ...(typeof raw['inApp'] === 'boolean' && { inApp: raw['inApp'] }),
  };
}

function entry<V>(name: string, value: V | undefined): [string, V][] {
  return value === undefined ? [] : [[name, value]];
}

function textOr(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function numberOr(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
