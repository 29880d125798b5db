import * as fs from 'node:fs';
import * as path from 'node:path';
import { fail, messageOf, ok, type Result } from '../../../model/result';
import type { FeedbackItem } from '../../item';
import { parseItemLine } from './item-line';
import type { Answer, FeedbackSource, FetchState } from '../../source';

export interface FileSettings {
  readonly name: string;
  /** Absolute. */
  readonly file: string;
  /** The folder that it must lie in, also when links are followed. Absolute. */
  readonly within: string;
  /** What its items belong to where they do not say it. */
  readonly environment?: string;
  /** A file that is not there yet is no failure: it comes with the first item. */
  readonly mayBeAbsent: boolean;
}

const mostBytes = 64 << 20;
const namedLines = 3;

/** A file with one JSON object a line: a later line with the same id replaces the earlier. */
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
      // Whoever writes the last line may not have come to its end.
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
      // One write of a whole line: the service may be writing too.
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
