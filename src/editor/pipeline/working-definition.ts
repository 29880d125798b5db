import * as fs from 'node:fs';
import type { Pipeline } from '../../core/model/pipeline';
import type { lazyParser } from './parser';
import type { Service } from '../app/state';

/** What the definition of a service says as it is on the disk; `undefined` where it has errors. */
export async function workingDefinition({ file }: Service, parse: ReturnType<typeof lazyParser>): Promise<Pipeline | undefined> {
  try {
    return (await parse(fs.readFileSync(file, 'utf8'), file)).pipeline;
  } catch {
    return undefined; // it was removed a moment ago
  }
}
