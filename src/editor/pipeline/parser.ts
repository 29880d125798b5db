import * as path from 'node:path';
import type { parsePipeline } from '../../core/pipeline/parse';

type Parse = typeof parsePipeline;

/** The parser of `delivery.yaml`, a bundle of its own: loaded by the first call. */
export function lazyParser(dist: string): Parse {
  let parse: Parse | undefined;
  return (text, file) => {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- resolved at run time, on first use
    parse ??= (require(path.join(dist, 'parse.js')) as { parsePipeline: Parse }).parsePipeline;
    return parse(text, file);
  };
}
