import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Pipeline } from '../../core/model/pipeline';
import type { parsePipeline } from '../../core/pipeline/parse';
import type { Service } from '../app/state';

type Parse = typeof parsePipeline;

/** Returns the parser of `delivery.yaml`. Its bundle is loaded by the first call. */
export function lazyParser(dist: string): Parse {
  let parse: Parse | undefined;
  return (text, file) => {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- resolved at run time, on first use
    parse ??= (require(path.join(dist, 'parse.js')) as { parsePipeline: Parse }).parsePipeline;
    return parse(text, file);
  };
}

/** Returns the pipeline of a service as defined on disk, or undefined if the definition has errors. */
export function workingDefinition({ file }: Service, parse: Parse): Pipeline | undefined {
  try {
    return parse(fs.readFileSync(file, 'utf8'), file).pipeline;
  } catch {
    return undefined; // the file was removed
  }
}
