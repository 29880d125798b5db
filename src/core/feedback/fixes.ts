import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileNames } from '../support/files';
import { lastOf, type KnownItem } from './inbox';
import { MessageWords } from './mentions';
import type { ChangeDelivery, DeliveredChange } from './recent';

/** The change whose message names an item and, once it is live, where and since when. */
export interface Fix {
  readonly commit: string;
  readonly subject: string;
  readonly delivered?: Pick<ChangeDelivery, 'environment' | 'at'>;
}

/** Whether customers hit it again after its fix was delivered. */
export function isBack(item: KnownItem, fix: Fix): boolean {
  return fix.delivered !== undefined && lastOf(item) > fix.delivered.at;
}

/** The fixes of a service's feedback. One that was delivered is remembered when its change is recent no more. */
export class Fixes {
  constructor(private readonly folder: string) {}

  /** Finds fixes among recent changes. */
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

  /** True once, for one of all windows: its source may be told that the fix is delivered. */
  claimTelling(source: string, item: KnownItem, fix: Fix): boolean {
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
      try {
        fixes.set(name.slice(0, -'.fix'.length), JSON.parse(fs.readFileSync(path.join(this.folder, name), 'utf8')) as Fix);
      } catch {
        // Torn: its change may still tell.
      }
    }
    return fixes;
  }

  private keep(source: string, item: KnownItem, fix: Fix): void {
    try {
      fs.mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      fs.writeFileSync(path.join(this.folder, `${this.key(source, item)}.fix`), JSON.stringify(fix));
    } catch {
      // A full disk: it is found again while its change is recent.
    }
  }

  private key(source: string, { id }: KnownItem): string {
    return createHash('sha256').update(`${source}\n${id}`).digest('hex').slice(0, 16);
  }
}
