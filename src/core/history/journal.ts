import * as fs from 'node:fs';
import * as path from 'node:path';
import type { EventBody, RunEvent } from '../model/events';

export const journalName = 'journal.jsonl';

/** Others act on these events, so they must survive a crash of the machine. */
const durable: readonly RunEvent['type'][] = ['deployed', 'verified', 'rolled-back', 'run-finished'];

/**
 * The append-only list of events of a run. Each event is one line and one write, so a crash can tear only the last
 * line. Throws if a write fails: a run that cannot be recorded must stop.
 */
export class Journal {
  private readonly descriptor: number;
  private torn: boolean;

  constructor(
    readonly folder: string,
    private readonly run: string,
    private readonly listener: (event: RunEvent) => void = () => {},
  ) {
    fs.mkdirSync(folder, { recursive: true });
    const file = path.join(folder, journalName);
    this.torn = endsTorn(file);
    this.descriptor = fs.openSync(file, 'a');
  }

  append(body: EventBody): RunEvent {
    const { type, ...rest } = body;
    const event = { type, at: new Date().toISOString(), run: this.run, ...rest } as RunEvent;
    const line = Buffer.from(`${this.torn ? '\n' : ''}${JSON.stringify(event)}\n`);
    this.torn = true;
    const written = fs.writeSync(this.descriptor, line);
    if (written !== line.length) throw new Error(`only ${written} of ${line.length} bytes of the journal were written. Is the disk full?`);
    this.torn = false;
    if (durable.includes(event.type)) fs.fsyncSync(this.descriptor);
    this.listener(event);
    return event;
  }

  close(): void {
    fs.closeSync(this.descriptor);
  }
}

/** Whether the last line is incomplete, so that the next event needs a new line. */
function endsTorn(file: string): boolean {
  try {
    const bytes = fs.readFileSync(file);
    return bytes.length > 0 && bytes[bytes.length - 1] !== 0x0a;
  } catch {
    return false;
  }
}

/** Returns the events of a journal, without torn and foreign lines. Empty if there is no journal. */
export function readEvents(file: string): RunEvent[] {
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  return eventsIn(text);
}

export function eventsIn(text: string): RunEvent[] {
  return text.split('\n').flatMap((line) => parseEvent(line) ?? []);
}

export function parseEvent(line: string): RunEvent | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const event = JSON.parse(line) as Partial<RunEvent>;
    return typeof event.type === 'string' && typeof event.at === 'string' && typeof event.run === 'string'
      ? (event as RunEvent)
      : undefined;
  } catch {
    return undefined;
  }
}
