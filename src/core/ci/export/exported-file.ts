import { createHash } from 'node:crypto';
import { parseDocument } from 'yaml';
import { fail, ok, type Result } from '../../model/result';
import type { CiDescriptor, CiFile, CiName, ExportOptions } from '../ci-service';
import { insertRegions, splitRegions, withoutBlocks, type Split } from './preserved-regions';

/** The header of an exported file. */
export interface Head {
  readonly engine: CiName;
  readonly options: ExportOptions;
  /** The digest of the generated lines, without preserved regions. */
  readonly digest: string;
}

const firstLine = /^(?:#|\/\/) Written by `deliver export ([\w-]+)(?: --package (\S+))?` from .+ \[([0-9a-f]{12})\]\s*$/;

/** Returns the header of a file that Deliver wrote, or undefined for any other file. */
export function headOf(text: string): Head | undefined {
  const match = firstLine.exec(text.slice(0, 2000).split('\n', 1)[0] ?? '');
  if (!match) return undefined;
  const [, engine = '', from, digest = ''] = match;
  return { engine, options: from === undefined ? {} : { package: from }, digest };
}

/** The part of a descriptor that the text of a file depends on. */
export type ExportedBy = Pick<CiDescriptor, 'kind' | 'comment'>;

/** The planned content of one exported file. */
export interface ExportPlan {
  readonly file: CiFile;
  readonly text: string;
  readonly isUnchanged: boolean;
  /** The first line of the existing file that would change, from 1. */
  readonly firstChange?: number;
  /** The existing file has manual changes outside its preserved regions, which an export would lose. */
  readonly isEdited: boolean;
}

/** The preserved regions that other files had or get, because the number of services changed. */
export interface MovedRegions {
  /** The regions that come from another file. */
  readonly from?: { readonly path: string; readonly split: Split };
  /** The first lines of the jobs that moved to another file. */
  readonly away: ReadonlySet<string>;
}

const noneMoved: MovedRegions = { away: new Set() };

/**
 * Returns the new text of a file, with the preserved regions of the existing file. Fails if Deliver did not write that file, unless `force`
 * is set, and if the job around a region no longer exists.
 */
export function planFile(
  engine: ExportedBy,
  file: CiFile,
  options: ExportOptions,
  there: string | undefined,
  force = false,
  { from, away }: MovedRegions = noneMoved,
): Result<ExportPlan> {
  const { path } = file;
  const before = there?.replace(/\r\n/g, '\n');
  const head = before === undefined ? undefined : headOf(before);
  if (before !== undefined && !head && !force)
    return fail('usage', `${path} was not written by Deliver`, {
      path,
      line: 1,
      hint: `move the file away, or overwrite it with --force`,
    });
  const fresh = splitRegions(file.body, path);
  if (!fresh.ok) return fresh;
  const old = head && before !== undefined ? splitRegions(before, path) : undefined;
  if (old?.ok === false) return old;
  const { body } = fresh.value;
  const own = old
    ? insertRegions([...headLines(engine, file, options), ...body.slice(body.findIndex(Boolean))], withoutBlocks(old.value, away), path)
    : ok([...headLines(engine, file, options), ...file.body.split('\n')]);
  const merged = own.ok && from ? insertRegions(own.value, from.split, from.path) : own;
  if (!merged.ok) return merged;
  const text = withDigest(merged.value, path);
  const wrong = engine.comment === '#' && (old || from) ? parseDocument(text, { logLevel: 'silent' }).errors[0] : undefined;
  if (wrong) {
    const hint = 'fix them, and export again';
    return fail('usage', `with the preserved regions the file is not valid YAML: ${wrong.message.split('\n')[0]}`, {
      path,
      line: wrong.linePos?.[0].line ?? 1,
      hint,
    });
  }
  if (before === undefined || !head || !old) return ok({ file, text, isUnchanged: false, isEdited: false });
  const firstChange = differsAt(before, text);
  return ok({
    file,
    text,
    isUnchanged: firstChange === undefined && headOf(text)?.digest === head.digest,
    firstChange,
    isEdited: firstChange !== undefined && digestOf(old.value.body) !== head.digest,
  });
}

function headLines(engine: ExportedBy, { source }: CiFile, options: ExportOptions): string[] {
  const sign = engine.comment;
  const from = options.package === undefined ? '' : ` --package ${options.package}`;
  return [
    `${sign} Written by \`deliver export ${engine.kind}${from}\` from ${source}; run it again when that changes.`,
    `${sign} Lines of your own stay between \`${sign} deliver: begin own\` and \`${sign} deliver: end own\`: at the top level, in a job,`,
    `${sign} or among its steps. A key that is set there takes the place of Deliver's.`,
    '',
  ];
}

/** Returns the text with its digest in the first line. */
function withDigest([first = '', ...lines]: readonly string[], path: string): string {
  const split = splitRegions(lines.join('\n'), path);
  return [`${first} [${digestOf(split.ok ? split.value.body : lines)}]`, ...lines].join('\n');
}

/** Returns a digest of the lines below the header, empty lines excluded. */
function digestOf(lines: readonly string[]): string {
  const below = lines.slice(lines.findIndex((line) => !/^(#|\/\/)/.test(line)));
  const said = below.filter((line) => line.trim() !== '').join('\n');
  return createHash('sha256').update(said).digest('hex').slice(0, 12);
}

/** Returns the first line of `before` that differs from `after`, empty lines excluded. */
function differsAt(before: string, after: string): number | undefined {
  const contentOf = (text: string) =>
    text.split('\n').flatMap((line, index) => (line.trim() === '' ? [] : [{ line: line.trimEnd(), number: index + 1 }]));
  const [old, now] = [contentOf(before), contentOf(after)];
  const body = (each: { line: string }, index: number): string => (index === 0 ? each.line.replace(/ \[[0-9a-f]{12}\]$/, '') : each.line);
  for (let index = 0; index < Math.max(old.length, now.length); index++) {
    const [a, b] = [old[index], now[index]];
    if (a === undefined || b === undefined || body(a, index) !== body(b, index)) return a?.number ?? old.at(-1)?.number ?? 1;
  }
  return undefined;
}
