import * as fs from 'node:fs';
import { tidyObjects } from '../git/object-store';
import type { RepositoryHome } from '../support/home';
import { tidyArchives } from './cache';
import { readRecorded, runIds } from '../history/runs';
import type { SlotPool } from './slots';

/** The number of runs that a repository keeps, with their logs. */
export const keptRuns = 200;
const dayMs = 86_400_000;

/** Keeps the disk space that a repository's runs use within bounds. */
export async function tidyRuns(home: RepositoryHome, pool: SlotPool): Promise<void> {
  const runs = runIds(home);
  for (const run of runs.slice(keptRuns)) fs.rmSync(home.run(run), { recursive: true, force: true });
  tidyArchives(home.cache);
  await pool.tidy();
  const oldest = runs.slice(0, keptRuns).at(-1);
  const begun = Date.parse((oldest !== undefined && readRecorded(home.run(oldest))?.startedAt) || '') || Date.now();
  // A snapshot is older than its run, which may have been queued.
  tidyObjects(home, new Date(Math.min(begun, pool.oldestUse().getTime()) - dayMs));
}
