import { numberOf, textOf } from '../../support/json-value';
import { readJunit } from '../../logs/junit';
import type { FoundProblem } from '../../model/problem';
import { ok, type RemoteJob, type CiResult } from '../ci-client';
import type { Fields, GithubRepository } from './github-repository';
import { failure, idOf } from './fields';
import { unzipReports } from './zip';

const mostBytes = 50 << 20;
const mostProblems = 1000;
/** Clocks of answers have whole seconds. */
const slackMs = 5000;

/** The failing tests of the reports that the exported workflow uploads for a step: `SERVICE-STEP-reports`. */
export async function reportedProblems(
  service: string,
  run: string,
  job: RemoteJob,
  repository: GithubRepository,
  signal: AbortSignal,
): Promise<CiResult<readonly FoundProblem[]>> {
  const query = new URLSearchParams({ name: `${service}-${job.name}-reports`, per_page: '100' }).toString();
  const list = await repository.list(`/actions/runs/${run}/artifacts?${query}`, 'artifacts', signal);
  if (list.state === 'failed') return list.gone ? ok([]) : list;
  const artifact = newestOf(list.value, `${service}-${job.name}-reports`, job, repository);
  const id = idOf(artifact?.['id']);
  if (!artifact || id === undefined) return ok([]);
  if ((numberOf(artifact['size_in_bytes']) ?? 0) > mostBytes) return tooLarge(job);
  const zip = await download(`/actions/artifacts/${id}/zip`, job, repository, signal);
  if (zip.state === 'failed') return zip.gone ? ok([]) : zip;
  const reports = await unzipReports(zip.value);
  if (typeof reports === 'string') return failure(`the reports of ${job.name} cannot be read: ${reports}`);
  return ok(reports.flatMap((report) => readJunit(report).problems).slice(0, mostProblems));
}

/** One of an earlier attempt tells of that. */
function newestOf(artifacts: readonly Fields[], name: string, job: RemoteJob, { asking }: GithubRepository): Fields | undefined {
  const madeAt = (one: Fields): number => Date.parse(asking.time(textOf(one['created_at'])) ?? '') || 0;
  const begun = job.startedAt === undefined ? 0 : Date.parse(job.startedAt) - slackMs;
  return artifacts
    .filter((one) => one['name'] === name && one['expired'] !== true && madeAt(one) >= begun)
    .sort((a, b) => madeAt(b) - madeAt(a))[0];
}

async function download(path: string, job: RemoteJob, repository: GithubRepository, signal: AbortSignal): Promise<CiResult<Buffer>> {
  const enough = new AbortController();
  const chunks: Buffer[] = [];
  let length = 0;
  const write = (bytes: Buffer): void => {
    length += bytes.length;
    if (length > mostBytes) enough.abort();
    else chunks.push(bytes);
  };
  for (let isAgain = false; ; isAgain = true) {
    const before = length;
    const answer = await repository.bytes(path, length, write, AbortSignal.any([signal, enough.signal]));
    if (enough.signal.aborted) return tooLarge(job);
    if (answer.state === 'answered') return ok(Buffer.concat(chunks));
    // Broken off in its middle: what is missing is asked for, as long as it goes forward.
    if (answer.reason !== 'offline' || signal.aborted || (isAgain && length === before)) return answer;
  }
}

function tooLarge({ name }: RemoteJob): ReturnType<typeof failure> {
  return failure(`the reports of ${name} are larger than ${mostBytes >> 20} MB`);
}
