import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { writeTextAtomically } from '../support/files';
import { isObject, isText, isTime, listOf, optional, readRecord, shape } from '../support/record';
import { cleanItem, lastSeen, type FeedbackItem, type KnownItem } from './item';
import type { FeedbackSource, FetchState, SourceFailure } from './source';

/** The last items of a source and whether it is reachable. */
export interface SourceState {
  readonly source: string;
  readonly kind: FeedbackSource['kind'];
  readonly items: readonly KnownItem[];
  /** The time of its last answer (ISO 8601); absent if it never answered. */
  readonly fetchedAt?: string;
  /** Why the last fetch failed. */
  readonly failure?: SourceFailure;
  /** The part of the last answer that could not be read. */
  readonly warning?: string;
}

interface StoredState extends SourceState {
  readonly memory: FetchState;
  /** The time of the last fetch (ISO 8601). */
  readonly askedAt?: string;
}

const isItem = shape({ id: isText, kind: isText, title: isText, createdAt: isTime });
const isStoredState = shape({
  source: isText,
  kind: isText,
  items: listOf(isItem),
  fetchedAt: optional(isTime),
  failure: optional(shape({ message: isText })),
  memory: isObject,
  askedAt: optional(isTime),
});

const maxItems = 20_000;
/** Items that were closed longer ago are dropped. */
const closedKeptMs = 90 * 86_400_000;

/** The items of one source, stored on disk and shared by all windows. A failed fetch keeps the earlier items. */
export class Inbox {
  private readonly file: string;
  /** The state that could not be written to disk. */
  private unsaved: StoredState | undefined;
  private readonly empty: StoredState;
  private known: { readonly stamp: string; readonly kept: StoredState } | undefined;

  constructor(
    folder: string,
    readonly source: FeedbackSource,
  ) {
    const name = source.name.replace(/[^\w.-]+/g, '_').slice(0, 60);
    const hash = createHash('sha256').update(source.name).digest('hex').slice(0, 8);
    this.empty = { source: source.name, kind: source.kind, items: [], memory: {} };
    this.file = path.join(folder, `${name}-${hash}.json`);
  }

  /** Returns the stored state without a fetch. */
  state(): SourceState {
    return this.read();
  }

  /** Fetches from the source, unless the last fetch is younger than `maxAgeMs` or the source asked to wait. */
  async refresh(maxAgeMs: number, signal: AbortSignal, now = Date.now()): Promise<SourceState> {
    const before = this.read();
    const { failure, askedAt } = before;
    const age = askedAt === undefined ? Infinity : now - Date.parse(askedAt);
    const isBackingOff = failure?.retryAt !== undefined && Date.parse(failure.retryAt) > now;
    if (age < maxAgeMs || isBackingOff) return before;
    const answer = await this.source.fetch(before.memory, signal);
    if (signal.aborted) return before;
    const asked = { ...before, askedAt: new Date(now).toISOString() };
    if (answer.state === 'failed') return this.write({ ...asked, failure: answer });
    const answered = { ...without(asked, 'failure'), fetchedAt: asked.askedAt };
    if (answer.state === 'unchanged') return this.write(answered);
    return this.write({
      ...without(answered, 'warning'),
      items: merged(before.items, answer.items, answer.isComplete, asked.askedAt),
      memory: answer.memory ?? before.memory,
      ...(answer.warning !== undefined && { warning: answer.warning }),
    });
  }

  /** Makes the next refresh fetch again, after an action changed an item. */
  forgetAge(): void {
    this.write(without(this.read(), 'askedAt'));
  }

  private read(): StoredState {
    if (this.unsaved) return this.unsaved;
    try {
      const stamp = this.stampOf();
      if (this.known?.stamp !== stamp) this.known = { stamp, kept: readRecord<StoredState>(this.file, isStoredState) ?? this.empty };
      return this.known.kept;
    } catch {
      return this.empty; // never fetched, or a damaged file: the next fetch reads everything
    }
  }

  private stampOf(): string {
    const { ino, size, mtimeNs } = fs.statSync(this.file, { bigint: true });
    return [ino, size, mtimeNs].join(':');
  }

  private write(kept: StoredState): SourceState {
    try {
      fs.mkdirSync(path.dirname(this.file), { recursive: true, mode: 0o700 });
      writeTextAtomically(this.file, JSON.stringify(kept), { mode: 0o600, durable: false });
      this.known = { stamp: this.stampOf(), kept };
      this.unsaved = undefined;
    } catch {
      // On a full disk, the items are still shown.
      this.unsaved = kept;
    }
    return kept;
  }
}

function without<T extends object, K extends keyof T>(value: T, key: K): Omit<T, K> {
  const { [key]: left, ...rest } = value;
  void left;
  return rest;
}

/** Later items replace earlier ones with the same id. Open items come first if there are too many. */
function merged(before: readonly KnownItem[], items: readonly FeedbackItem[], isComplete: boolean, seenAt: string): KnownItem[] {
  const known = new Map(before.map((item) => [item.id, item]));
  const all = new Map(isComplete ? [] : known);
  for (const item of items) {
    const clean = cleanItem(item, seenAt);
    // An item without a date keeps the time of its first fetch.
    const first = clean.undated && known.get(clean.id);
    all.set(clean.id, first ? { ...clean, createdAt: first.createdAt } : clean);
  }
  const since = new Date(Date.parse(seenAt) - closedKeptMs).toISOString();
  const kept = [...all.values()].filter(({ closedAt }) => closedAt === undefined || closedAt > since);
  if (kept.length <= maxItems) return kept;
  return kept
    .sort((a, b) => Number(a.closedAt !== undefined) - Number(b.closedAt !== undefined) || (lastSeen(a) < lastSeen(b) ? 1 : -1))
    .slice(0, maxItems);
}
