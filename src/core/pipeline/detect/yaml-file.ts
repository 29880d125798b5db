import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from 'yaml';

/** The maximum nesting depth, which protects the stack. */
const deepest = 20;
/** The maximum number of visited nodes: aliases can make a short file arbitrarily large. */
const most = 200_000;

/** A YAML file of a CI service, read leniently: values of an unexpected shape are absent. */
export class YamlFile {
  private readonly lines = new LineCounter();
  private readonly document: Document.Parsed;
  private readonly aliases = new Map<unknown, unknown>();
  private looked = 0;

  constructor(text: string) {
    this.document = parseDocument(text, { lineCounter: this.lines, uniqueKeys: false, logLevel: 'silent' });
  }

  /** Undefined if the file is not YAML. */
  get root(): YAMLMap | undefined {
    const { contents, errors } = this.document;
    return errors.length === 0 && isMap(contents) ? contents : undefined;
  }

  get(map: unknown, key: string): Node | undefined {
    return this.entries(map).find((entry) => entry.key === key)?.value;
  }

  /** Returns the pairs of a mapping, followed by those of merged mappings. */
  entries(map: unknown, depth = 0): { key: string; value: Node | undefined; line: number }[] {
    const within = this.resolved(map);
    if (!isMap(within) || depth > deepest || (this.looked += within.items.length) > most) return [];
    const own = within.items.flatMap((item) => {
      if (!isScalar(item.key) || item.key.value === '<<') return [];
      return [{ key: String(item.key.value), value: this.resolved(item.value) as Node | undefined, line: this.lineOf(item.key) }];
    });
    const merged = within.items
      .filter((item) => isScalar(item.key) && item.key.value === '<<')
      .flatMap((item) => (isSeq(this.resolved(item.value)) ? this.items(item.value) : [item.value]))
      .flatMap((each) => this.entries(each, depth + 1));
    return [...own, ...merged.filter((entry) => !own.some(({ key }) => key === entry.key))];
  }

  items(node: unknown): Node[] {
    const within = this.resolved(node);
    return isSeq(within) ? within.items.map((item) => this.resolved(item) as Node) : [];
  }

  /** Returns a scalar as text. */
  text(node: unknown): string | undefined {
    const within = this.resolved(node);
    if (!isScalar(within) || within.value === null) return undefined;
    return typeof within.value === 'string' ? within.value : within.source;
  }

  /** Returns a text or a (nested) list of texts as a flat list. */
  texts(node: unknown, depth = 0): string[] {
    const within = this.resolved(node);
    if (depth > deepest || this.looked++ > most) return [];
    if (isSeq(within)) return within.items.flatMap((item) => this.texts(item, depth + 1));
    const text = this.text(within);
    return text === undefined ? [] : [text];
  }

  /** Returns the line of the first character of a scalar's text, which a block scalar has below its indicator. */
  textLine(node: unknown): number {
    const within = this.resolved(node);
    return this.lineOf(within) + (isScalar(within) && /^BLOCK/.test(within.type ?? '') ? 1 : 0);
  }

  lineOf(node: unknown): number {
    const offset = (node as { range?: readonly number[] | null } | undefined)?.range?.[0] ?? 0;
    return Math.max(1, this.lines.linePos(offset).line);
  }

  private resolved(node: unknown): unknown {
    if (!isAlias(node)) return node;
    // To resolve an alias visits the whole file.
    if (!this.aliases.has(node)) this.aliases.set(node, node.resolve(this.document));
    return this.aliases.get(node);
  }
}
