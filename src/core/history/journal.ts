import * as fs from 'node:fs';
import * as path from 'node:path';
import type { EventBody, RunEvent } from '../model/events';
import { writeFully } from '../support/files';
import { plain } from '../support/terminal-text';
import { type Check, isIdentity, isNumber, isRelease, isText, isTime, listOf, oneOf, optional, shape } from '../support/record';

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
    const line = Buffer.from(`${this.torn ? '\n' : ''}${JSON.stringify(event, plainText)}\n`);
    if (fs.fstatSync(this.descriptor).nlink === 0) throw new Error(`the folder of the run was removed: ${this.folder}`);
    this.torn = true;
    writeFully(this.descriptor, line, path.join(this.folder, journalName));
    this.torn = false;
    if (durable.includes(event.type)) fs.fsyncSync(this.descriptor);
    this.listener(event);
    return event;
  }

  close(): void {
    fs.closeSync(this.descriptor);
  }
}

/** The text that people read. Commits, logs and servers may contain characters that change how it is shown. */
const shownKeys = new Set(['subject', 'message', 'reason', 'hint', 'by']);

function plainText(key: string, value: unknown): unknown {
  return typeof value === 'string' && shownKeys.has(key) ? plain(value) : value;
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

const isAny = shape({ type: isText, at: isTime, run: isText });
const isPlanned = shape({ name: isText, needs: listOf(isText), kind: oneOf('run', 'deploy', 'verify') });
const isStepState = oneOf('waiting', 'running', 'passed', 'failed', 'cached', 'skipped', 'cancelled', 'interrupted');
const isOutcome = oneOf('waiting', 'running', 'passed', 'failed', 'cancelled', 'interrupted', 'superseded');
const isStart = shape({
  service: isText,
  change: shape({ commit: isText, tree: isText, subject: isText }),
  steps: listOf(isPlanned),
  runner: isIdentity,
  folder: optional(isText),
  engine: optional(shape({ name: isText, label: isText, place: isText, id: isText })),
});

/** The properties that the readers of each type need. */
const known: Readonly<Partial<Record<string, Check>>> = {
  'run-queued': isStart,
  'run-started': isStart,
  'run-followed': shape({ runner: isIdentity }),
  'engine-heard': shape({ state: isText }),
  'step-found': shape({ step: isPlanned }),
  'step-waits': shape({ step: isText, reason: isText }),
  'step-started': shape({ step: isText, attempt: isNumber, process: optional(isIdentity) }),
  'step-finished': shape({ step: isText, state: isStepState, log: optional(isText), reason: optional(isText) }),
  problem: shape({ step: isText, severity: oneOf('error', 'warning', 'info'), message: isText, source: isText, path: optional(isText) }),
  deployed: shape({ environment: isText, service: isText, url: isText, release: isRelease, previous: optional(isRelease) }),
  verified: shape({ environment: isText }),
  'rolled-back': shape({ environment: isText, from: optional(isRelease), to: optional(isRelease), reason: isText }),
  notice: shape({ message: isText }),
  'run-finished': shape({ outcome: isOutcome, reason: optional(isText) }),
};

function isEvent(value: unknown): boolean {
  return isAny(value) && (known[(value as RunEvent).type]?.(value) ?? true);
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
    const event: unknown = JSON.parse(line);
    return isEvent(event) ? (event as RunEvent) : undefined;
  } catch {
    return undefined;
  }
}
