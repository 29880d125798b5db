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
