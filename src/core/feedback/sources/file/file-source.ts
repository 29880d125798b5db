import * as fs from 'node:fs';
import * as path from 'node:path';
import { fail, messageOf, ok, type Result } from '../../../model/result';
import { type FeedbackItem, feedbackKinds, readFrame } from '../../item';
import type { Answer, FeedbackSource, FetchState } from '../../source';

export interface FileSettings {
  readonly name: string;
  /** An absolute path. */
  readonly file: string;
  /** The absolute path of the folder that must contain the file, also after links are resolved. */
  readonly within: string;
  /** The environment of items that name none. */
  readonly environment?: string;
  /** If true, a missing file is not a failure: the first item creates it. */
  readonly mayBeAbsent: boolean;
}

const mostBytes = 64 << 20;
const namedLines = 3;

/** A file with one JSON object per line. A later line replaces an earlier one with the same id. */
export class FileSource implements FeedbackSource {
  readonly kind = 'file';
  readonly name: string;
  readonly watches: string;
  readonly actions = { resolve: async (item: FeedbackItem): Promise<Result<string>> => this.close(item) };

  constructor(private readonly settings: FileSettings) {
    this.name = settings.name;
    this.watches = settings.file;
  }

  async fetch(memory: FetchState): Promise<Answer> {
    const { file, mayBeAbsent } = this.settings;
    try {
      const stat = await fs.promises.stat(file, { bigint: true });
      const stamp = [stat.ino, stat.size, stat.mtimeNs].join(':');
      if (memory['stamp'] === stamp) return { state: 'unchanged' };
      if (!stat.isFile()) return refusal(`${this.name} is no file`);
      if (stat.size > mostBytes)
        return refusal(`${this.name} is larger than ${mostBytes >> 20} MB`, 'move what is done with to another file');
      if (!this.isInside()) return refusal(`${this.name} leads out of ${this.settings.within}`, 'nothing outside is read');
      return { ...this.read(await fs.promises.readFile(file, 'utf8')), memory: { stamp } };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return refusal(`${this.name} could not be read: ${messageOf(error)}`);
      if (mayBeAbsent) return { state: 'items', items: [], isComplete: true };
      return refusal(`there is no file ${file}`, 'it may come with the first feedback');
    }
  }

  private read(text: string): Omit<Extract<Answer, { state: 'items' }>, 'memory'> {
    const items = new Map<string, FeedbackItem>();
    const unread: string[] = [];
    const lines = text.split('\n');
    lines.forEach((line, index) => {
      if (line.trim() === '') return;
      const parsed = parseItemLine(line);
      // The last line may still be incomplete.
      if (typeof parsed === 'string') {
        if (index < lines.length - 1) unread.push(`line ${index + 1} ${parsed}`);
      } else if ('item' in parsed) items.set(parsed.item.id, this.withEnvironment(parsed.item));
      else {
        const item = items.get(parsed.id);
        if (item) items.set(parsed.id, { ...item, closedAt: parsed.closedAt });
      }
    });
    const more = unread.length > namedLines ? [`and ${unread.length - namedLines} more`] : [];
    const warning = unread.length > 0 && { warning: `${this.name}: ${[...unread.slice(0, namedLines), ...more].join(', ')}` };
    return { state: 'items', items: [...items.values()], isComplete: true, ...warning };
  }

  private withEnvironment(item: FeedbackItem): FeedbackItem {
    const { environment } = this.settings;
    return environment === undefined ? item : { environment, ...item };
  }

  private async close({ id }: FeedbackItem): Promise<Result<string>> {
    const { file } = this.settings;
    try {
      if (!this.isInside()) return fail('usage', `${this.name} leads out of ${this.settings.within}`);
      const line = JSON.stringify({ id, closedAt: new Date().toISOString() });
      // A single write of one line, because the service may write at the same time.
      await fs.promises.appendFile(file, `${(await endsTorn(file)) ? '\n' : ''}${line}\n`);
      return ok(`closed in ${this.name}`);
    } catch (error) {
      return fail('machinery', `${this.name} could not be written: ${messageOf(error)}`);
    }
  }

  private isInside(): boolean {
    const relative = path.relative(fs.realpathSync(this.settings.within), fs.realpathSync(this.settings.file));
    return relative !== '' && !relative.startsWith('..') && !path.isAbsolute(relative);
  }
}

async function endsTorn(file: string): Promise<boolean> {
  const handle = await fs.promises.open(file, 'r');
  try {
    const { size } = await handle.stat();
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, Math.max(0, size - 1));
    return size > 0 && buffer[0] !== 0x0a;
  } finally {
    await handle.close();
  }
}

function refusal(message: string, hint?: string): Answer {
  return { state: 'failed', reason: 'answer', message, ...(hint !== undefined && { hint }) };
}

/** A line of a feedback file: an item, or the closing of one. */
export type ItemLine = { readonly item: FeedbackItem } | { readonly id: string; readonly closedAt: string };

/** Reads one JSON object in the documented format, or returns why that is impossible. */
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
    ...(Array.isArray(frames) && { frames: frames.flatMap((frame) => readFrame(frame) ?? []) }),
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
