import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileNames, writeTextAtomically } from '../support/files';
import { isText, isTime, optional, readCached, shape } from '../support/record';
import { lastSeen, type FeedbackItem, type KnownItem } from './item';
import type { ChangeDelivery, DeliveredChange } from './recent';

/** The change whose message names an item and, once live, its environment and time. */
export interface Fix {
  readonly commit: string;
  readonly subject: string;
  readonly delivered?: Pick<ChangeDelivery, 'environment' | 'at'>;
}

const isFix = shape({ commit: isText, subject: isText, delivered: optional(shape({ at: isTime, environment: optional(isText) })) });

/** Returns whether customers reported the item again after its fix was delivered. */
export function isReportedAgain(item: KnownItem, fix: Fix): boolean {
  return fix.delivered !== undefined && lastSeen(item) > fix.delivered.at;
}

/** The fixes of a service's feedback. Delivered fixes are stored, because their changes do not stay recent. */
export class Fixes {
  constructor(private readonly folder: string) {}

  /** Returns a function that finds the fix of an item among recent changes and stored fixes. */
  among(changes: readonly DeliveredChange[]): (source: string, item: KnownItem) => Fix | undefined {
    const messages = changes.map((change) => ({ change, words: new MessageWords(change.message) }));
    const kept = this.kept();
    return (source, item) => {
      const change = messages.find(({ words }) => words.name(item))?.change;
      if (!change && kept.size === 0) return undefined;
      const before = kept.get(this.key(source, item));
      if (!change) return before;
      const live = change.deliveries.find(({ isLive }) => isLive);
      if (!live) return { commit: change.commit, subject: change.subject };
      const { environment, at } = live;
      const delivered = { at, ...(environment !== undefined && { environment }) };
      const fix = { commit: change.commit, subject: change.subject, delivered };
      if (before?.commit !== fix.commit) this.keep(source, item, fix);
      return fix;
    };
  }

  /** Returns true once across all windows: that caller may notify the source about the delivered fix. */
  claimNotification(source: string, item: KnownItem, fix: Fix): boolean {
    try {
      fs.writeFileSync(path.join(this.folder, `${this.key(source, item)}.${fix.commit.slice(0, 12)}.told`), '', { flag: 'wx' });
      return true;
    } catch {
      return false;
    }
  }

  private kept(): ReadonlyMap<string, Fix> {
    const fixes = new Map<string, Fix>();
    for (const name of fileNames(this.folder)) {
      if (!name.endsWith('.fix')) continue;
      // A damaged file is ignored: the change may still be recent.
      const fix = readCached<Fix>(path.join(this.folder, name), isFix);
      if (fix) fixes.set(name.slice(0, -'.fix'.length), fix);
    }
    return fixes;
  }

  private keep(source: string, item: KnownItem, fix: Fix): void {
    try {
      fs.mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      writeTextAtomically(path.join(this.folder, `${this.key(source, item)}.fix`), JSON.stringify(fix), { durable: false });
    } catch {
      // On a full disk, the fix is found again while its change is recent.
    }
  }

  private key(source: string, { id }: KnownItem): string {
    return createHash('sha256').update(`${source}\n${id}`).digest('hex').slice(0, 16);
  }
}

/** The words of a commit message, to check which items it names. */
export class MessageWords {
  private readonly words: ReadonlySet<string>;

  constructor(message: string) {
    this.words = new Set(message.split(/[\s,;()[\]<>"'`]+/).flatMap((word) => [word, word.replace(/[.:!?]+$/, '')]));
  }

  /** Returns whether the message names the item by reference, URL or id. A number alone does not count. */
  name({ id, reference, url }: FeedbackItem): boolean {
    const name = reference ?? id;
    return (name.length >= 2 && !/^\d+$/.test(name) && this.words.has(name)) || (url !== undefined && this.words.has(url));
  }
}
