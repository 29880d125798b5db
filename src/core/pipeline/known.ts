import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Pipeline } from '../model/pipeline';
import { writeTextAtomically } from '../support/files';
import { isObject, isText, readCached, shape } from '../support/record';

/** Identifies the parser of this build; absent if the program runs from its sources. */
declare const DELIVER_PARSER: string;

const parser = typeof DELIVER_PARSER === 'string' ? DELIVER_PARSER : undefined;
const kept = 50;

/**
 * A cache of parsed pipelines, by git blob id and parser. Loading and running the parser takes as long as all git calls of
 * an unchanged delivery, and most deliveries do not change the definition.
 */
export class KnownPipelines {
  constructor(
    private readonly folder: string,
    private readonly version = parser,
  ) {}

  recall(blob: string): Pipeline | undefined {
    if (this.version === undefined) return undefined;
    // A damaged file is parsed again.
    const kept = readCached<{ readonly hash: string; readonly pipeline: Pipeline }>(
      this.file(blob),
      shape({ hash: isText, pipeline: isObject }),
    );
    return kept?.hash === hashOf(kept?.pipeline) ? kept?.pipeline : undefined;
  }

  keep(blob: string, pipeline: Pipeline): void {
    if (this.version === undefined) return;
    writeTextAtomically(this.file(blob), JSON.stringify({ hash: hashOf(pipeline), pipeline }), { durable: false });
    this.tidy();
  }

  private tidy(): void {
    const age = (name: string): number => fs.statSync(path.join(this.folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
    const newestFirst = fs.readdirSync(this.folder).sort((a, b) => age(b) - age(a));
    for (const name of newestFirst.slice(kept)) fs.rmSync(path.join(this.folder, name), { force: true });
  }

  private file(blob: string): string {
    return path.join(this.folder, `${blob}-${this.version}.json`);
  }
}

/** Returns a hash of the JSON of a value. */
function hashOf(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(value) ?? '')
    .digest('hex');
}
