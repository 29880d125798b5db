import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { LEAST_UPPER_BOUND, originalPositionFor, TraceMap } from '@jridgewell/trace-mapping';

export interface SourcePlace {
  /** Absolute. */
  readonly file: string;
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

const maxBytes = 50 << 20;

/** Maps generated code to its source by source maps (https://tc39.es/ecma426/). */
export class SourceMaps {
  private readonly maps = new Map<string, { map: TraceMap; base: string } | undefined>();

  /** Lines and columns count from 1. Without a column, the first mapping of the line counts. */
  sourceOf(file: string, line: number, column?: number): SourcePlace | undefined {
    if (!this.maps.has(file)) this.maps.set(file, this.load(file));
    const loaded = this.maps.get(file);
    if (!loaded) return undefined;
    const at = { line, column: Math.max(0, (column ?? 1) - 1) };
    const exact = originalPositionFor(loaded.map, at);
    const place = exact.source === null ? originalPositionFor(loaded.map, { ...at, bias: LEAST_UPPER_BOUND }) : exact;
    if (place.source === null || place.line === null) return undefined;
    return { file: resolveSource(place.source, loaded.base), line: place.line, column: place.column + 1 };
  }

  private load(file: string): { map: TraceMap; base: string } | undefined {
    try {
      const text = read(file);
      const comment = [...text.matchAll(/^\/[/*][#@] sourceMappingURL=(\S+?)(?:\s*\*\/)?\s*$/gm)].at(-1)?.[1];
      if (comment === undefined) return undefined;
      const inline = /^data:application\/json;(?:charset=[^;]+;)?base64,(.+)$/.exec(comment)?.[1];
      const mapFile = inline === undefined ? path.resolve(path.dirname(file), decodeURIComponent(comment)) : file;
      const json = inline === undefined ? read(mapFile) : Buffer.from(inline, 'base64').toString();
      return { map: new TraceMap(json), base: path.dirname(mapFile) };
    } catch {
      return undefined; // without a valid map, the place stays in the generated code
    }
  }
}

function read(file: string): string {
  if (fs.statSync(file).size > maxBytes) throw new Error('too large');
  return fs.readFileSync(file, 'utf8');
}

function resolveSource(source: string, base: string): string {
  if (source.startsWith('file://')) return fileURLToPath(source);
  // Bundlers add a scheme to the path: `webpack://name/./src/a.ts`.
  const plain = source.replace(/^[a-z][\w+.-]*:\/\/[^/]*\//i, '').replace(/\?.*$/, '');
  return path.resolve(base, plain);
}
