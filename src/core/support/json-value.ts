/** Returns the value if it is an object. Like all functions here, it reads JSON of unknown shape. */
export function recordOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : undefined;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

/** Returns a string that is not blank, or a number as a string. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}

/** Returns a number, or the number in a string. */
export function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/** Returns the value at a path with dots. A number in the path is the index of a list. */
export function valueAt(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((at, name) => {
    if (Array.isArray(at)) return /^\d+$/.test(name) ? (at as readonly unknown[])[Number(name)] : undefined;
    const record = recordOf(at);
    return record && Object.hasOwn(record, name) ? record[name] : undefined;
  }, value);
}

/** Returns a copy without undefined properties. */
export function present<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as ReturnType<typeof present<T>>;
}

/** Parses the output of `kubectl get --watch --output=json`. Each document ends with a line that is `}`. */
export class JsonDocuments<T> {
  private lines: string[] = [];

  /** Returns the document that ends with the line. Undefined inside a document, and for a torn one. */
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

/** Returns the documents of a complete output. */
export function jsonDocuments<T>(text: string): T[] {
  const documents = new JsonDocuments<T>();
  return text.split('\n').flatMap((line) => documents.take(line) ?? []);
}
