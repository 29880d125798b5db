import type { FeedbackFrame } from '../../item';
import { listOf, numberOf, present, recordOf, textOf } from '../../../support/json-value';

/** The details of an issue that one of its events contains. */
export interface EventDetails {
  readonly release?: string;
  readonly environment?: string;
  /** Innermost call first. */
  readonly frames?: readonly FeedbackFrame[];
}

const mostFrames = 30;

export function readEvent(value: unknown): EventDetails {
  const event = recordOf(value);
  const tags = new Map(listOf(event?.['tags']).map((tag) => [recordOf(tag)?.['key'], textOf(recordOf(tag)?.['value'])]));
  const frames = stacksOf(listOf(event?.['entries']))
    // Sentry lists the innermost frame last.
    .flatMap((stack) => [...listOf(recordOf(stack)?.['frames'])].reverse())
    .flatMap((frame) => frameOf(frame) ?? [])
    .slice(0, mostFrames);
  return present({
    release: tags.get('release') ?? textOf(recordOf(event?.['release'])?.['version']) ?? textOf(event?.['release']),
    environment: tags.get('environment'),
    frames: frames.length > 0 ? frames : undefined,
  });
}

/** Returns the thrown exception and then its causes; otherwise the crashed thread. */
function stacksOf(entries: readonly unknown[]): readonly unknown[] {
  const dataOf = (type: string): Readonly<Record<string, unknown>> | undefined =>
    recordOf(recordOf(entries.find((entry) => recordOf(entry)?.['type'] === type))?.['data']);
  const thrown = [...listOf(dataOf('exception')?.['values'])].reverse().map((one) => recordOf(one)?.['stacktrace']);
  if (thrown.some((stack) => listOf(recordOf(stack)?.['frames']).length > 0)) return thrown;
  const plain = dataOf('stacktrace');
  if (plain) return [plain];
  return listOf(dataOf('threads')?.['values'])
    .map(recordOf)
    .filter((thread) => thread?.['crashed'] === true)
    .map((thread) => thread?.['stacktrace']);
}

function frameOf(value: unknown): FeedbackFrame | undefined {
  const frame = recordOf(value);
  const file = frame && fileOf(frame);
  if (file === undefined) return undefined;
  return {
    file,
    ...present({
      line: numberOf(frame?.['lineNo']),
      column: numberOf(frame?.['colNo']),
      function: textOf(frame?.['function']),
      inApp: typeof frame?.['inApp'] === 'boolean' ? frame['inApp'] : undefined,
    }),
  };
}

/** The absolute path shows what is a library. The JVM reports the file without its folder, which the module contains. */
function fileOf(frame: Readonly<Record<string, unknown>>): string | undefined {
  const [name, whole] = [textOf(frame['filename']), textOf(frame['absPath'])];
  const file = whole !== undefined && /^(\/|[A-Za-z]:[\\/])/.test(whole) && !name?.startsWith('node_modules/') ? whole : (name ?? whole);
  const module = textOf(frame['module']);
  if (file === undefined || module === undefined || !/^[\w$-]+\.(?:java|kt|scala|groovy|clj)$/.test(file)) return file;
  return [...module.split('.').slice(0, -1), file].join('/');
}
