import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Pipeline } from '../model/pipeline';

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
    try {
      return JSON.parse(fs.readFileSync(this.file(blob), 'utf8')) as Pipeline;
    } catch {
      return undefined; // unknown or incomplete: it is parsed again
    }
  }

  keep(blob: string, pipeline: Pipeline): void {
    if (this.version === undefined) return;
    fs.mkdirSync(this.folder, { recursive: true });
    const draft = `${this.file(blob)}.${process.pid}.draft`;
    fs.writeFileSync(draft, JSON.stringify(pipeline));
    fs.renameSync(draft, this.file(blob));
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
