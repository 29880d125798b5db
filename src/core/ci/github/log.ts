import { ok, type LogEnd, type RemoteJob, type CiResult } from '../ci-client';
import type { GithubRepository } from './github-repository';

/** A log that is not there so long after its job will not come any more. */
const latestMs = 10 * 60_000;

/** The log of a job, which GitHub has seconds after the job ended, and redirects to where it stores it. */
export async function readJobLog(
  job: RemoteJob,
  from: number,
  write: (bytes: Buffer) => void,
  repository: GithubRepository,
  now: number,
  signal: AbortSignal,
): Promise<CiResult<LogEnd>> {
  const isOver = job.state !== 'waiting' && job.state !== 'running';
  if (!isOver || !job.hasLog) return ok({ isWhole: isOver });
  const answer = await repository.bytes(`/actions/jobs/${job.id}/logs`, from, write, signal);
  if (answer.state === 'answered') return ok({ isWhole: true });
  if (answer.status === 410) return { ...answer, message: `GitHub has deleted the log of ${job.name}: it keeps logs for some time only` };
  if (answer.status !== 404) return answer;
  const isLate = job.finishedAt !== undefined && now - Date.parse(job.finishedAt) > latestMs;
  return isLate ? { ...answer, message: `GitHub has no log of ${job.name}`, gone: true } : ok({ isWhole: false });
}
