import * as fs from 'node:fs';
import * as path from 'node:path';
import { AnyMap, decodedMappings, originalPositionFor, sourceContentFor, type TraceMap } from '@jridgewell/trace-mapping';

export interface SourcePlace {
  /** As the map names it, after its `sourceRoot`: a URL, or a path that is relative to `folder`. */
  readonly source: string;
  /** All sources of the map. */
  readonly sources: readonly string[];
  /** The absolute path of the map's folder. */
  readonly folder: string;
  readonly line: number;
  /** From 1. Absent if the generated column is unknown. */
  readonly column?: number;
}

interface LoadedMap {
  readonly map: TraceMap;
  readonly folder: string;
  /** The lines of the generated file. */
  readonly lines: readonly string[];
}

const maxBytes = 50 << 20;

/** Stands for a line of a source that the map does not contain. */
const usualLine = 'const total = items.map(priceOf);';

/** Maps generated code to its source by source maps (https://tc39.es/ecma426/), including index maps. */
export class SourceMaps {
  private readonly maps = new Map<string, LoadedMap | undefined>();

  /** Lines and columns count from 1. Without a column, the whole generated line must come from one line. */
  sourceOf(file: string, line: number, column?: number): SourcePlace | undefined {
    if (!this.maps.has(file)) this.maps.set(file, load(file));
    const loaded = this.maps.get(file);
    if (!loaded || line < 1) return undefined;
    const at = column ?? onlyColumn(loaded.map, line);
    if (at === undefined) return undefined;
    const place = originalPositionFor(loaded.map, { line, column: Math.max(0, at - 1) });
    if (place.source === null || isCollapsed(loaded, line, place.source, place.line)) return undefined;
    const sources = loaded.map.resolvedSources.filter((source) => source !== null);
    const known = { source: place.source, sources, folder: loaded.folder, line: place.line };
    return column === undefined ? known : { ...known, column: place.column + 1 };
  }
}

/** Returns a column of a generated line whose mappings all lead to the same line. */
function onlyColumn(map: TraceMap, line: number): number | undefined {
  const segments = (decodedMappings(map)[line - 1] ?? []).filter((segment) => segment.length > 1);
  const [first] = segments;
  return first && segments.every(([, source, at]) => source === first[1] && at === first[2]) ? first[0] + 1 : undefined;
}

/** A map without columns leads from a minified line to one line of its source, whatever the column. */
function isCollapsed({ map, lines }: LoadedMap, line: number, source: string, sourceLine: number): boolean {
  if ((decodedMappings(map)[line - 1] ?? []).length > 1) return false;
  const text = sourceContentFor(map, source)?.split('\n')[sourceLine - 1] ?? usualLine;
  return (lines[line - 1]?.trim().length ?? 0) > 3 * text.trim().length + 20;
}

function load(file: string): LoadedMap | undefined {
  try {
    const text = read(file);
    const comment = [...text.matchAll(/^\/[/*][#@] sourceMappingURL=(\S+?)(?:\s*\*\/)?\s*$/gm)].at(-1)?.[1];
    if (comment === undefined) return undefined;
    const [, encoding, data] = /^data:application\/json(?:;charset=[^;,]+)?(;base64)?,(.*)$/.exec(comment) ?? [];
    const mapFile = data === undefined ? path.resolve(path.dirname(file), decodeURIComponent(comment.replace(/\?.*$/, ''))) : file;
    const json =
      data === undefined ? read(mapFile) : encoding === undefined ? decodeURIComponent(data) : Buffer.from(data, 'base64').toString();
    return { map: new AnyMap(json.replace(/^\)\]\}'.*\n/, '')), folder: path.dirname(mapFile), lines: text.split('\n') };
  } catch {
    return undefined; // without a valid map, the place stays in the generated code
  }
}

function read(file: string): string {
  if (fs.statSync(file).size > maxBytes) throw new Error('too large');
  return fs.readFileSync(file, 'utf8');
}
