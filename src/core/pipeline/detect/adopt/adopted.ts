import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from 'yaml';
import type { FoundStep } from '../project';

/** The result of converting an existing CI file. */
export interface Adopted {
  readonly file: string;
  readonly steps: readonly FoundStep[];
  readonly left: readonly LeftOver[];
}

/** A part that was not converted, with its line in the file. */
export interface LeftOver {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** Formats a part that was not converted. */
export function leftOver({ file, line, message }: LeftOver): string {
  return `${file}:${line}: ${message.replace(/\s+/g, ' ').trim()}`;
}

/** Collects steps with valid and distinct names. Duplicates become one step. */
export class StepList {
  readonly steps: FoundStep[] = [];
  private readonly same = new Map<string, string>();

  /** Returns the name of the added step. */
  add(wanted: string, step: Omit<FoundStep, 'name'>): string {
    const { run, needs = [], env = {}, secrets = [] } = step;
    const content = JSON.stringify([run, [...needs].sort(), env, secrets]);
    const known = this.same.get(content);
    if (known !== undefined) return known;
    const name = this.free(validName(wanted));
    this.same.set(content, name);
    this.steps.push({ ...step, name, needs: [...new Set(needs)] });
    return name;
  }

  private free(wanted: string): string {
    const taken = new Set(this.steps.map((step) => step.name));
    let name = wanted;
    for (let number = 2; taken.has(name); number++) name = `${wanted}-${number}`;
    return name;
  }
}

export function validName(text: string): string {
  const name = text
    .trim()
    .replace(/[^A-Za-z0-9_.-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+|-+$/g, '');
  return name.slice(0, 60) || 'step';
}

/** Returns a short name for a command. */
export function nameOf(command: string): string {
  const line = command.trim().split('\n')[0] ?? '';
  const script = /^(?:npm|pnpm|yarn)\s+(?:run\s+)?([\w:.-]+)/.exec(line)?.[1];
  if (script === 'ci' || script === 'i' || script === 'install') return 'install';
  if (script !== undefined) return validName(script);
  return validName(line.split(/\s+/).slice(0, 2).join('-'));
}

/** Joins commands into one that stops at the first failure, as on the CI service. */
export function stopping(commands: readonly string[]): string {
  const text = commands.map((command) => command.trimEnd()).join('\n');
  return text.includes('\n') ? `set -e\n${text}` : text;
}

/** Returns a command that runs in a folder below the service's folder. */
export function inFolder(folder: string | undefined, command: string): string {
  const path = folder?.replace(/^\.\//, '').replace(/\/$/, '');
  if (path === undefined || path === '' || path === '.') return command;
  const quoted = /^[\w./-]+$/.test(path) ? path : `'${path.replace(/'/g, `'\\''`)}'`;
  if (!command.includes('\n')) return `cd ${quoted} && ${command}`;
  return command.startsWith('set -e\n') ? `set -e\ncd ${quoted}\n${command.slice(7)}` : `cd ${quoted} || exit 1\n${command}`;
}

const units: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Converts `1h 30m`, `90 minutes` or `2 hours` into a duration of delivery.yaml. Returns undefined for other text. */
export function durationOf(text: string): string | undefined {
  let seconds = 0;
  for (const [, count = '', unit = ''] of text.toLowerCase().matchAll(/(\d+)\s*([smhd])[a-z]*/g))
    seconds += Number(count) * (units[unit] ?? 0);
  if (seconds === 0 || seconds > 400 * 3600) return undefined;
  if (seconds % 3600 === 0) return `${seconds / 3600}h`;
  return seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`;
}

/** The maximum nesting depth, which protects the stack. */
const deepest = 20;
/** The maximum number of visited nodes: aliases can make a short file arbitrarily large. */
const most = 200_000;

/** A YAML file of a CI service, read leniently: values of an unexpected shape are absent. */
export class YamlFile {
  private readonly lines = new LineCounter();
  private readonly document: Document.Parsed;
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

  lineOf(node: unknown): number {
    const offset = (node as { range?: readonly number[] | null } | undefined)?.range?.[0] ?? 0;
    return Math.max(1, this.lines.linePos(offset).line);
  }

  private resolved(node: unknown): unknown {
    return isAlias(node) ? node.resolve(this.document) : node;
  }
}
