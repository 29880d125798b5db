import type { FoundStep } from '../found';

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
