import { fail, ok, type Result } from '../../model/result';

/** Lines that people added to an exported file, with the marks around them. */
interface Region {
  readonly lines: readonly string[];
  /** The number of generated lines before it. */
  readonly at: number;
  /** Line of the file, from 1. */
  readonly line: number;
}

export interface Split {
  /** The generated lines. */
  readonly body: readonly string[];
  readonly regions: readonly Region[];
}

const begin = /^\s*(#|\/\/) deliver: begin own\b/;
const end = /^\s*(#|\/\/) deliver: end own\b/;

/** Splits an exported file into generated lines and regions. Fails if a mark has no counterpart. */
export function splitRegions(text: string, path: string): Result<Split> {
  const body: string[] = [];
  const regions: Region[] = [];
  let open: { lines: string[]; line: number } | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const place = { path, line: index + 1 };
    if (begin.test(line)) {
      if (open) return fail('usage', 'a preserved region begins inside another one', place);
      open = { lines: [line], line: index + 1 };
    } else if (!open) {
      if (end.test(line)) return fail('usage', 'a preserved region ends here without a beginning', place);
      body.push(line);
    } else {
      open.lines.push(line);
      if (!end.test(line)) continue;
      regions.push({ ...open, at: body.length });
      open = undefined;
    }
  }
  return open ? fail('usage', 'a preserved region begins here without an end', { path, line: open.line }) : ok({ body, regions });
}

/** Returns a file without the regions in the given blocks at the top level. */
export function withoutBlocks(split: Split, blocks: Pick<ReadonlyMap<string, unknown>, 'has'>): Split {
  return { ...split, regions: split.regions.filter((region) => !blocks.has(topOf(split, region))) };
}

/** Returns a file with other first lines of the given blocks. With `isPartly`, only the regions in these blocks stay. */
export function withRenamedBlocks(split: Split, blocks: ReadonlyMap<string, string>, isPartly: boolean): Split {
  return {
    body: split.body.map((line) => blocks.get(line) ?? line),
    regions: split.regions.filter((region) => !isPartly || blocks.has(topOf(split, region))),
  };
}

/** Returns the first line of the block at the top level around a region; empty at the top level. */
function topOf({ body }: Split, region: Region): string {
  return enclosingLines(withStructure(body), region.at, indentOf(region.lines[0] ?? ''))[0] ?? '';
}

/**
 * Puts the regions of the old file into a new body: in the same job, after the same line. A key that is set in a region replaces the body's
 * key. Fails if the region's job no longer exists.
 */
export function insertRegions(body: readonly string[], old: Split, path: string): Result<string[]> {
  const places = new Map<number, Region[]>();
  let kept = [...body];
  const before = withStructure(old.body);
  const chains = old.regions.map((region) => ({ region, chain: enclosingLines(before, region.at, indentOf(region.lines[0] ?? '')) }));
  for (const { region, chain } of chains) {
    const block = blockOf(withStructure(kept), chain);
    if (!block) {
      const where =
        chain
          .at(-1)
          ?.replace(/[:{]\s*$/, '')
          .trim() ?? '';
      return fail('usage', `a preserved region is in \`${where}\`, which no longer exists in delivery.yaml`, {
        path,
        line: region.line,
        hint: 'move or remove the region',
      });
    }
    kept = withoutKeys(kept, block, region);
  }
  for (const { region, chain } of chains) {
    const now = withStructure(kept);
    const block = blockOf(now, chain);
    if (!block) throw new Error('a block is missing although only keys were removed');
    const at = placeIn(now, block, before, region);
    places.set(at, [...(places.get(at) ?? []), region]);
  }
  const lines: string[] = [];
  for (let index = 0; index <= kept.length; index++) {
    for (const region of places.get(index) ?? []) lines.push(...withEmptyLines(region, lines.at(-1), kept[index]));
    if (index < kept.length) lines.push(kept[index] ?? '');
  }
  return ok(lines);
}

/** Adds an empty line before and after a region at the top level. */
function withEmptyLines({ lines }: Region, before: string | undefined, after: string | undefined): string[] {
  if (indentOf(lines[0] ?? '') > 0) return [...lines];
  const isEmpty = (line: string | undefined): boolean => line === undefined || line === '';
  return [...(isEmpty(before) ? [] : ['']), ...lines, ...(isEmpty(after) ? [] : [''])];
}

/** Returns the lines as they show the structure. Multi-line commands of a Jenkinsfile keep their own indent, so they are indented far. */
function withStructure(lines: readonly string[]): string[] {
  let isInside = false;
  return lines.map((line) => {
    const shape = isInside ? `${' '.repeat(200)}${line}` : line;
    if ((line.match(/(?<!\\)'''/g) ?? []).length % 2 === 1) isInside = !isInside;
    return shape;
  });
}

interface Block {
  /** The first line of the content, and the line after the last. */
  readonly from: number;
  readonly to: number;
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

/** Returns the lines that enclose a position, outermost first, trimmed. */
function enclosingLines(lines: readonly string[], at: number, indent: number): string[] {
  const chain: string[] = [];
  let inner = indent;
  for (let index = at - 1; index >= 0 && inner > 0; index--) {
    const line = lines[index] ?? '';
    if (isIgnored(line) || indentOf(line) >= inner) continue;
    inner = indentOf(line);
    chain.unshift(line.trim());
  }
  // Stages of a Jenkinsfile have names; the blocks around them do not.
  return chain.slice(
    Math.max(
      0,
      chain.findLastIndex((line) => line.startsWith("stage('")),
    ),
  );
}

function isIgnored(line: string): boolean {
  return /^\s*$|^\s*(#|\/\/)|^\s*[}\])]+$/.test(line);
}

/** Returns the block below a chain of enclosing lines. */
function blockOf(lines: readonly string[], chain: readonly string[]): Block | undefined {
  const [first, ...rest] = chain;
  if (first === undefined) return { from: 0, to: lines.length };
  const starts = lines.flatMap((line, index) => (line.trim() === first ? [index] : []));
  for (const start of starts) {
    const block = { from: start + 1, to: endOf(lines, start) };
    if (rest.length === 0) return block;
    const inner = blockOf(lines.slice(block.from, block.to), rest);
    if (inner) return { from: inner.from + block.from, to: inner.to + block.from };
  }
  return undefined;
}

/** Returns the line after the block that a line opens. */
function endOf(lines: readonly string[], start: number): number {
  const indent = indentOf(lines[start] ?? '');
  let last = start + 1;
  for (let index = start + 1; index < lines.length; index++) {
    const line = lines[index] ?? '';
    if (line.trim() === '') continue;
    if (indentOf(line) <= indent) break;
    last = index + 1;
  }
  return last;
}

/** Returns the line after a block, including its closing bracket. */
function afterOf(lines: readonly string[], start: number): number {
  const next = endOf(lines, start);
  const closing = lines[next] ?? '';
  return /^\s*[}\])]/.test(closing) && indentOf(closing) === indentOf(lines[start] ?? '') ? next + 1 : next;
}

const keyOf = (line: string): string | undefined =>
  /^\s*(?:(["']?[\w.-]+["']?):(?:\s|$)|(agent|options|environment|when|post|steps|tools|triggers)\b)/.exec(line)?.slice(1).find(Boolean);

function withoutKeys(lines: readonly string[], block: Block, region: Region): string[] {
  const indent = indentOf(region.lines[0] ?? '');
  const own = new Set(region.lines.filter((line) => indentOf(line) === indent).flatMap((line) => keyOf(line) ?? []));
  const shape = withStructure(lines);
  const kept: string[] = [];
  for (let index = 0; index < lines.length; index++) {
    const line = shape[index] ?? '';
    const inBlock = index >= block.from && index < block.to && indentOf(line) === indent;
    if (!inBlock || !own.has(keyOf(line) ?? '')) {
      kept.push(lines[index] ?? '');
      continue;
    }
    index = afterOf(shape, index) - 1;
  }
  return kept;
}

/** Returns the position after the line that the region followed, or after the nearest earlier line that still exists. */
function placeIn(lines: readonly string[], block: Block, old: readonly string[], region: Region): number {
  const indent = indentOf(region.lines[0] ?? '');
  for (let index = region.at - 1; index >= 0; index--) {
    const line = old[index] ?? '';
    if (line.trim() === '') continue;
    if (indentOf(line) < indent && !/^\s*[}\])]/.test(line)) break;
    if (indentOf(line) !== indent) continue;
    const nth =
      old.slice(0, index).filter((each) => each === line).length -
      old.slice(0, startOfBlock(old, region)).filter((each) => each === line).length;
    const same = lines.flatMap((each, at) => (at >= block.from && at < block.to && each === line ? [at] : []));
    const found = same[Math.min(nth, same.length - 1)];
    if (found !== undefined) return afterOf(lines, found);
  }
  return block.from;
}

/** Returns the first line of the block around a region in its own file. */
function startOfBlock(old: readonly string[], region: Region): number {
  const indent = indentOf(region.lines[0] ?? '');
  for (let index = region.at - 1; index >= 0; index--) {
    const line = old[index] ?? '';
    if (!isIgnored(line) && indentOf(line) < indent) return index;
  }
  return 0;
}
