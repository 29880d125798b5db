import * as fs from 'node:fs';
import type { RepositoryHome } from '../home';
import type { StepCache } from './cache';
import { runIds } from './runs';
import type { SlotPool } from './slots';

/** How many runs a repository remembers, with their logs. */
const keptRuns = 200;

/** Holds what a repository's runs leave on the disk within bounds. */
export async function tidyRuns(home: RepositoryHome, pool: SlotPool, cache: StepCache): Promise<void> {
  for (const run of runIds(home).slice(keptRuns)) fs.rmSync(home.run(run), { recursive: true, force: true });
  cache.tidy();
  await pool.tidy();
}
