import * as fs from 'node:fs';
import type { Pipeline } from '../../core/model/pipeline';
import type { parsePipeline } from '../../core/pipeline/parse';
import type { Service } from '../app/state';

/** Parses `delivery.yaml`. The first call loads the parser. */
export async function parseDefinition(...args: Parameters<typeof parsePipeline>): Promise<ReturnType<typeof parsePipeline>> {
  return (await import('../../core/pipeline/parse')).parsePipeline(...args);
}

/** Returns the pipeline of a service as defined on disk, or undefined if the definition has errors. */
export async function workingDefinition({ file }: Service): Promise<Pipeline | undefined> {
  try {
    return (await parseDefinition(fs.readFileSync(file, 'utf8'), file)).pipeline;
  } catch {
    return undefined; // the file was removed
  }
}
