import * as path from 'node:path';

/** The log of a step in the folder of its run. Jobs of a CI service may have names that no file system takes. */
export function logFile(folder: string, step: string): string {
  return path.join(folder, `${step.replace(/[^\w.-]+/g, '_').slice(0, 120)}.log`);
}
