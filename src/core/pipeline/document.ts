import { Composer, isAlias, isCollection, isMap, isScalar, isSeq, Lexer, LineCounter, Parser, visit } from 'yaml';
import type { CST, Document, Pair, YAMLMap } from 'yaml';
import { messageOf, type Failure } from '../model/result';

export type Path = readonly (string | number | symbol)[];

/** These limits keep the time for any file below 0.2 s. The cost of YAML is in its tokens, in long scalars and in the content of aliases. */
const limits = { characters: 1_000_000, tokens: 20_000, scalar: 100_000, depth: 100, aliases: 100 };

/** The content of a YAML file, with the place of each value. */
export class SourceDocument {
  private readonly indexes = new WeakMap<YAMLMap, ReadonlyMap<string, Pair>>();

  constructor(
    private readonly document: Document.Parsed,
    private readonly lines: LineCounter,
    private readonly path: string,
    readonly value: unknown,
  ) {}

  /** Returns a failure at the value of a path, or at its key. If it is missing, at the mapping that should contain it. */
  failure(path: Path, message: string, options: { hint?: string | undefined; atKey?: boolean } = {}): Failure {
    const offset = this.offset(path, options.atKey ?? false);
    return failureAt(this.lines, this.path, offset, message, options.hint);
  }

  /** Returns the keys of a mapping in the order of the file, which objects do not keep for numbers. */
  keys(path: Path): string[] {
    const { node } = this.find(path);
    return isMap(node) ? node.items.map((item) => String(isScalar(item.key) ? item.key.value : item.key)) : [];
  }

  /** Returns a scalar as the file writes it: `1.10` stays `1.10`. */
  written(path: Path): string | undefined {
    const { node } = this.find(path);
    return isScalar(node) && typeof node.source === 'string' ? node.source : undefined;
  }

  /** Indexes a mapping once, not once for each of its keys. */
  private pairs(map: YAMLMap): ReadonlyMap<string, Pair> {
    const known = this.indexes.get(map);
    if (known) return known;
    const index = new Map(map.items.flatMap((item) => (isScalar(item.key) ? [[String(item.key.value), item] as const] : [])));
    this.indexes.set(map, index);
    return index;
  }

  private offset(path: Path, atKey: boolean): number {
    const { key, node, complete } = this.find(path);
    const isBlank = isScalar(node) && node.value === null && node.range?.[0] === node.range?.[1];
    const place = complete && !atKey && !isBlank ? node : (key ?? node);
    const range = (place as { range?: readonly number[] | null } | undefined)?.range;
    return range?.[0] ?? 0;
  }

  private find(path: Path): { key?: unknown; node: unknown; complete: boolean } {
    let node: unknown = this.document.contents;
    let key: unknown;
    for (const part of path) {
      const within = isAlias(node) ? node.resolve(this.document) : node;
      if (isMap(within)) {
        const pair = this.pairs(within).get(String(part));
        if (!pair) return { key, node, complete: false };
        key = pair.key;
        node = pair.value ?? pair.key;
      } else if (isSeq(within) && within.items[Number(part)] !== undefined) {
        node = within.items[Number(part)];
        key = node;
      } else return { key, node, complete: false };
    }
    return { key, node: isAlias(node) ? (node.resolve(this.document) ?? node) : node, complete: true };
  }
}

/** Reads a YAML file in bounded time. Returns a document whenever the syntax allows it. */
export function readDocument(content: string, path: string): { document?: SourceDocument; errors: Failure[] } {
  const text = content.startsWith('\uFEFF') ? content.slice(1) : content;
  const lines = new LineCounter();
  const at = (offset: number, message: string, hint?: string): Failure => failureAt(lines, path, offset, message, hint);
  if (text.length > limits.characters) {
    return { errors: [at(0, `the file is too large: ${Math.ceil(text.length / 1000)} kB; at most 1000 kB are read`)] };
  }
  const binary = unreadable(text, path);
  if (binary) return { errors: [binary] };

  const read = tokens(text, lines);
  if ('limit' in read)
    return { errors: [at(read.offset, read.limit, 'a delivery.yaml is small; move long scripts to files of their own')] };
  try {
    const [document, second] = [...new Composer({ uniqueKeys: false }).compose(read.tokens, true, text.length)] as Document.Parsed[];
    if (!document) return { errors: [at(0, 'the file is empty')] };
    const errors = [...document.errors, ...document.warnings].map((error) => at(error.pos[0], sentence(error.message), advice(error.code)));
    if (second) errors.push(at(second.range[0], 'the file holds a second document', 'keep one document in the file'));
    if (errors.length > 0) return { errors };
    errors.push(...oddKeys(document, at), ...unusableText(document, at));
    if (errors.length > 0) return { errors };
    errors.push(...repeatedKeys(document, at));
    try {
      const value: unknown = document.toJS({ maxAliasCount: limits.aliases });
      return { document: new SourceDocument(document, lines, path, value), errors };
    } catch (error) {
      return { errors: [...errors, at(firstAlias(document), `the aliases of the file cannot be followed: ${sentence(messageOf(error))}`)] };
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { errors: [at(0, 'the file is nested too deeply')] };
  }
}

function tokens(text: string, lines: LineCounter): { tokens: CST.Token[] } | { limit: string; offset: number } {
  const parser = new Parser(lines.addNewLine);
  const found: CST.Token[] = [];
  let count = 0;
  let aliases = 0;
  let offset = 0;
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    const first = lexeme[0];
    if (++count > limits.tokens) return { limit: `the file holds too many lines and values: more than ${limits.tokens} tokens`, offset };
    if (first === '*' && ++aliases > limits.aliases) return { limit: `the file has more than ${limits.aliases} aliases`, offset };
    if (lexeme.length > limits.scalar && first !== '#')
      return { limit: `the file holds a value of more than ${limits.scalar} characters`, offset };
    found.push(...parser.next(lexeme));
    if (parser.stack.length > limits.depth) return { limit: `the file is nested more than ${limits.depth} deep`, offset };
    offset = parser.offset;
  }
  found.push(...parser.end());
  return { tokens: found };
}

/** Returns a failure at the first byte that is not text. */
function unreadable(text: string, path: string): Failure | undefined {
  const index = text.search(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F\uFFFD]/);
  if (index < 0) return undefined;
  const before = text.slice(0, index).split('\n');
  const code = text.charCodeAt(index);
  const message =
    code === 0xfffd ? 'the file is not UTF-8 text' : `the file holds a control character (0x${code.toString(16).padStart(2, '0')})`;
  const hint = 'save it as plain text in UTF-8';
  return { kind: 'usage', message, hint, path, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

function oddKeys(document: Document.Parsed, at: (offset: number, message: string) => Failure): Failure[] {
  const errors: Failure[] = [];
  visit(document, {
    Pair(_, { key }) {
      if (isCollection(key) || isAlias(key)) errors.push(at(key.range?.[0] ?? 0, 'a key is a plain word'));
    },
  });
  return errors;
}

/** The longest argument that Linux passes to a program, in bytes. */
const maxValueBytes = 131_000;

/** Reports text that no program, file or environment variable can hold. */
function unusableText(document: Document.Parsed, at: (offset: number, message: string, hint?: string) => Failure): Failure[] {
  const errors: Failure[] = [];
  visit(document, {
    Scalar(key, { value, range }, { length: depth }) {
      if (typeof value !== 'string') return;
      const offset = range?.[0] ?? 0;
      if (value.includes('\0')) errors.push(at(offset, 'a value holds a NUL character, which no command or file name can hold'));
      if (loneSurrogate.test(value))
        errors.push(at(offset, 'a value holds half of a character (a lone surrogate)', 'write the character itself'));
      if (Buffer.byteLength(value) > maxValueBytes)
        errors.push(
          at(offset, `a value holds more than ${maxValueBytes} bytes, which no command can hold`, 'move it to a file of its own'),
        );
      // The schema does not see this key, and reports it only at the top.
      if (key === 'key' && value === '__proto__' && depth > 3)
        errors.push(at(offset, '`__proto__` is not a valid name', 'choose another name'));
    },
  });
  return errors;
}

const loneSurrogate = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

function repeatedKeys(document: Document.Parsed, at: (offset: number, message: string) => Failure): Failure[] {
  const errors: Failure[] = [];
  visit(document, {
    Map(_, map) {
      const seen = new Set<string>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        const name = String(key.value);
        if (seen.has(name)) errors.push(at(key.range?.[0] ?? 0, `\`${shortened(name)}\` is here twice`));
        seen.add(name);
      }
    },
  });
  return errors;
}

function firstAlias(document: Document.Parsed): number {
  let offset = 0;
  visit(document, {
    Alias(_, node) {
      offset = node.range?.[0] ?? 0;
      return visit.BREAK;
    },
  });
  return offset;
}

function failureAt(lines: LineCounter, path: string, offset: number, message: string, hint?: string): Failure {
  const { line, col } = lines.linePos(offset);
  return { kind: 'usage', message, ...(hint === undefined ? {} : { hint }), path, line: Math.max(1, line), column: Math.max(1, col) };
}

function advice(code: string): string | undefined {
  if (code === 'TAB_AS_INDENT') return 'indent with spaces';
  if (code === 'BAD_INDENT') return 'the keys of one level start in the same column';
  return undefined;
}

function sentence(message: string): string {
  return shortened(message.charAt(0).toLowerCase() + message.slice(1), 200);
}

export function shortened(text: string, length = 60): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}
