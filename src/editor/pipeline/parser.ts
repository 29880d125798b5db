import type { parsePipeline } from '../../core/pipeline/parse';

type Parse = (...args: Parameters<typeof parsePipeline>) => Promise<ReturnType<typeof parsePipeline>>;

/** Returns the parser of `delivery.yaml`, which is loaded by the first call. */
export function lazyParser(): Parse {
  return async (text, file) => (await import('../../core/pipeline/parse')).parsePipeline(text, file);
}
