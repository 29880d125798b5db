import { createHash } from 'node:crypto';
import { parseDocument } from 'yaml';
import { fail, ok, type Result } from '../../model/result';
import type { CiDescriptor, CiFile, CiName, ExportOptions } from '../ci-service';
import { splitOwn, withOwn } from './preserved-regions';

/** What an exported file says of itself in its first lines. */
export interface Head {
  readonly engine: CiName;
  readonly options: ExportOptions;
  /** Of what was written, without anybody's own lines. */
  readonly digest: string;
}

const firstLine = /^(?:#|\/\/) Written by `deliver export ([\w-]+)(?: --package (\S+))?` from .+ \[([0-9a-f]{12})\]\s*$/;

const adoptable = '; deliver init takes over what is in it where there is no delivery.yaml yet';

/** The head of a file that Deliver wrote; `undefined` for one that it did not. */
export function headOf(text: string): Head | undefined {
  const match = firstLine.exec(text.slice(0, 2000).split('\n', 1)[0] ?? '');
  if (!match) return undefined;
  const [, engine = '', from, digest = ''] = match;
  return { engine, options: from === undefined ? {} : { package: from }, digest };
}

/** The part of a descriptor that the text of a file depends on. */
export type ExportedBy = Pick<CiDescriptor, 'kind' | 'comment' | 'isAdoptable'>;

/** What is to become of a file. */
export interface ExportPlan {
  readonly file: CiFile;
  readonly text: string;
  /** The file is there and says the same. */
  readonly isUnchanged: boolean;
  /** Where the file that is there first says something else, from 1. */
  readonly firstChange?: number;
  /** It holds changes by hand outside the marked places, which writing it would lose. */
  readonly isEdited: boolean;
}

/**
 * The text of a file as it should be, with the own lines of the file that is there. Fails where it was not
 * written by Deliver, unless it is to be overwritten, and where its own lines have no place any more.
 */
export function planFile(
  engine: ExportedBy,
  file: CiFile,
  options: ExportOptions,
  there: string | undefined,
  force = false,
): Result<ExportPlan> {
  const { path } = file;
  const before = there?.replace(/\r\n/g, '\n');
  const head = before === undefined ? undefined : headOf(before);
  if (before !== undefined && !head && !force)
    return fail('usage', `${path} was not written by Deliver`, {
      path,
      line: 1,
      hint: `move it away, or overwrite it with --force${engine.isAdoptable ? adoptable : ''}`,
    });
  const fresh = splitOwn(file.body, path);
  if (!fresh.ok) return fresh;
  if (before === undefined || !head)
    return ok({
      file,
      text: sealed([...headLines(engine, file, options), ...file.body.split('\n')], path),
      isUnchanged: false,
      isEdited: false,
    });

  const old = splitOwn(before, path);
  if (!old.ok) return old;
  const merged = withOwn(
    [...headLines(engine, file, options), ...fresh.value.body.slice(fresh.value.body.findIndex((line) => line !== ''))],
    old.value,
    path,
  );
  if (!merged.ok) return merged;
  const text = sealed(merged.value, path);
  const wrong = engine.comment === '#' ? parseDocument(text, { logLevel: 'silent' }).errors[0] : undefined;
  if (wrong) {
    const hint = 'mend them, and export again';
    return fail('usage', `with your own lines it is no YAML: ${wrong.message.split('\n')[0]}`, {
      path,
      line: wrong.linePos?.[0].line ?? 1,
      hint,
    });
  }
  const firstChange = differsAt(before, text);
  return ok({
    file,
    text,
    isUnchanged: firstChange === undefined && headOf(text)?.digest === head.digest,
    ...(firstChange !== undefined && { firstChange }),
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

/** The whole text, with its digest in the first line. */
function sealed([first = '', ...lines]: readonly string[], path: string): string {
  const split = splitOwn(lines.join('\n'), path);
  return [`${first} [${digestOf(split.ok ? split.value.body : lines)}]`, ...lines].join('\n');
}

/** Of what is said below the head; empty lines say nothing. */
function digestOf(lines: readonly string[]): string {
  const below = lines.slice(lines.findIndex((line) => !/^(#|\/\/)/.test(line)));
  const said = below.filter((line) => line.trim() !== '').join('\n');
  return createHash('sha256').update(said).digest('hex').slice(0, 12);
}

/** The line of `before` from which on it says something else; empty lines say nothing. */
function differsAt(before: string, after: string): number | undefined {
  const told = (text: string) =>
    text.split('\n').flatMap((line, index) => (line.trim() === '' ? [] : [{ line: line.trimEnd(), number: index + 1 }]));
  const [old, now] = [told(before), told(after)];
  const body = (each: { line: string }, index: number): string => (index === 0 ? each.line.replace(/ \[[0-9a-f]{12}\]$/, '') : each.line);
  for (let index = 0; index < Math.max(old.length, now.length); index++) {
    const [a, b] = [old[index], now[index]];
    if (a === undefined || b === undefined || body(a, index) !== body(b, index)) return a?.number ?? old.at(-1)?.number ?? 1;
  }
  return undefined;
}
