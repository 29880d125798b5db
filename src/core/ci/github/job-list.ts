import { textOf } from '../../support/json-value';
import { ok, type RemoteRun, type CiResult } from '../ci-client';
import type { Fields, GithubRepository } from './github-repository';
import { countOf } from './fields';

/**
 * The jobs of the latest attempt, with those of earlier ones that it keeps. GitHub has told them in `filter=latest` at times, and at
 * others not (r-universe-org/help#607): what is missing is taken from the list of all.
 */
export async function jobFields(run: RemoteRun, repository: GithubRepository, signal: AbortSignal): Promise<CiResult<readonly Fields[]>> {
  const list = async (filter: string): ReturnType<GithubRepository['list']> =>
    repository.list(`/actions/runs/${run.id}/jobs?filter=${filter}&per_page=100`, 'jobs', signal);
  const latest = await list('latest');
  if (latest.state === 'failed' || run.attempt === 1) return latest;
  const all = await list('all');
  return all.state === 'failed' ? all : ok([...keptOf(run, latest.value, all.value), ...latest.value]);
}

/** Where a job that had passed was run again, all is run again: what is missing is not made yet. The same where nothing is there. */
function keptOf({ attempt }: RemoteRun, latest: readonly Fields[], all: readonly Fields[]): Fields[] {
  const isListed = new Set(latest.map((job) => textOf(job['name'])));
  const isFresh = new Set(latest.filter((job) => countOf(job['run_attempt']) >= attempt).map((job) => textOf(job['name'])));
  const ids = new Set(latest.map((job) => textOf(job['id'])));
  const earlier = all.filter((job) => countOf(job['run_attempt']) < attempt && !ids.has(textOf(job['id'])));
  const newest = new Map<string | undefined, Fields>();
  for (const job of earlier) {
    const known = newest.get(textOf(job['name']));
    if (!known || countOf(known['run_attempt']) < countOf(job['run_attempt'])) newest.set(textOf(job['name']), job);
  }
  const passed = [...newest].filter(([, job]) => job['conclusion'] === 'success');
  if (isFresh.size === 0 || passed.some(([name]) => isFresh.has(name))) return [];
  return passed.filter(([name]) => !isListed.has(name)).map(([, job]) => job);
}
