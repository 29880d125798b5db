/** Reads JSON of unknown shape: what is of another type is not there. */

export function recordOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : undefined;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

/** Text that says something; numbers as text. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}

/** Also those that are written as text. */
export function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/** What a path with dots leads to; numbers in it are places in lists. */
export function valueAt(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((at, name) => {
    if (Array.isArray(at)) return /^\d+$/.test(name) ? (at as readonly unknown[])[Number(name)] : undefined;
    const record = recordOf(at);
    return record && Object.hasOwn(record, name) ? record[name] : undefined;
  }, value);
}

/** Without what has no value. */
export function present<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as ReturnType<typeof present<T>>;
}

/** The JSON documents of what `kubectl get --watch --output=json` prints: each ends with a line that is `}` alone. */
export class JsonDocuments<T> {
  private lines: string[] = [];

  /** Answers the document that the line ends; `undefined` within one, and for one that was torn. */
  take(line: string): T | undefined {
    if (line.startsWith('{')) this.lines = [];
    this.lines.push(line);
    if (!line.startsWith('}') && !/^\{.*\}$/.test(line)) return undefined;
    const text = this.lines.join('\n');
    this.lines = [];
    try {
      return JSON.parse(text) as T;
    } catch {
      return undefined;
    }
  }
}

/** The documents of a whole answer. */
export function jsonDocuments<T>(text: string): T[] {
  const documents = new JsonDocuments<T>();
  return text.split('\n').flatMap((line) => documents.take(line) ?? []);
}
