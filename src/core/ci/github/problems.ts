import { numberOf, present, textOf } from '../../support/json-value';
import type { FoundProblem } from '../../model/problem';
import { ok, type CiResult, type RemoteJob, type RemoteRun } from '../ci-client';
import { failure, idOf, lineOf, type Fields, type GithubRepository } from './github-repository';
import { readJunit } from '../../logs/junit';

const maxMessageLength = 500;

/** Returns the problems of a job. The run names its workflow, and so the service whose reports its artifacts are. */
export async function problemsOf(
  { id }: RemoteRun,
  job: RemoteJob,
  pipelines: ReadonlyMap<string, string>,
  repository: GithubRepository,
  signal: AbortSignal,
): Promise<CiResult<readonly FoundProblem[]>> {
  const run = await repository.get(`/actions/runs/${id}`, signal);
  if (run.state === 'failed') return run;
  const path = textOf(run.value['path'])?.replace(/@.*$/, '');
  const service = [...pipelines].find(([, file]) => file === path)?.[0];
  const reported = service === undefined ? ok([]) : await reportedProblems(service, id, job, repository, signal);
  if (reported.state === 'failed') return reported;
  const annotated = await annotationsOf(job.id, repository, signal);
  return annotated.state === 'failed' ? annotated : ok([...reported.value, ...annotated.value]);
}

/** Returns the annotations of workflow commands and problem matchers. The check run of a job has the job's id. */
async function annotationsOf(job: string, repository: GithubRepository, signal: AbortSignal): Promise<CiResult<readonly FoundProblem[]>> {
  const list = await repository.list(`/check-runs/${job}/annotations?per_page=100`, undefined, signal);
  // Fine-grained tokens cannot have access to checks. That must not fail the log.
  if (list.state === 'failed') return (list.status === 403 && list.reason === 'token') || list.gone ? ok([]) : list;
  return ok(list.value.flatMap((one) => readAnnotation(one) ?? []));
}

/** Returns why a job failed before it began, as at a spending limit. Only its annotations say so. */
export async function startFailureReason(job: string, repository: GithubRepository, signal: AbortSignal): Promise<string | undefined> {
  const list = await repository.list(`/check-runs/${job}/annotations?per_page=100`, undefined, signal, 1);
  if (list.state === 'failed') return undefined;
  const [message] = list.value.flatMap((one) =>
    one['annotation_level'] === 'failure' ? (lineOf(one['message'], maxMessageLength) ?? []) : [],
  );
  return message === undefined ? undefined : `GitHub: ${message}`;
}

/** Annotations of GitHub itself, as `Process completed with exit code 1.`, have the path `.github`. */
function readAnnotation(annotation: Fields): FoundProblem | undefined {
  const level = annotation['annotation_level'];
  const file = textOf(annotation['path']);
  const line = numberOf(annotation['start_line']);
  const message = lineOf(annotation['message'], maxMessageLength) ?? lineOf(annotation['title'], maxMessageLength);
  if (level !== 'failure' && level !== 'warning') return undefined;
  if (file === undefined || file === '.github' || message === undefined || line === undefined || line < 1) return undefined;
  const column = numberOf(annotation['start_column']);
  return {
    severity: level === 'failure' ? 'error' : 'warning',
    message,
    source: 'github',
    file,
    line,
    ...present({ column: column !== undefined && column > 0 ? column : undefined }),
  };
}

const maxArchiveBytes = 50 << 20;
const maxProblems = 1000;
/** Times in answers have whole seconds. */
const slackMs = 5000;

/** Returns the failing tests in the artifact `SERVICE-STEP-reports` of the exported workflow. */
async function reportedProblems(
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
  if ((numberOf(artifact['size_in_bytes']) ?? 0) > maxArchiveBytes) return tooLarge(job);
  const zip = await downloadArchive(`/actions/artifacts/${id}/zip`, job, repository, signal);
  if (zip.state === 'failed') return zip.gone ? ok([]) : zip;
  const reports = await unzipReports(zip.value);
  if (typeof reports === 'string') return failure(`the reports of ${job.name} cannot be read: ${reports}`);
  return ok(reports.flatMap((report) => readJunit(report).problems).slice(0, maxProblems));
}

/** Returns the newest artifact of this attempt: older ones belong to earlier attempts. */
function newestOf(artifacts: readonly Fields[], name: string, job: RemoteJob, { client }: GithubRepository): Fields | undefined {
  const madeAt = (one: Fields): number => Date.parse(client.time(textOf(one['created_at'])) ?? '') || 0;
  const startedAt = job.startedAt === undefined ? 0 : Date.parse(job.startedAt) - slackMs;
  return artifacts
    .filter((one) => one['name'] === name && one['expired'] !== true && madeAt(one) >= startedAt)
    .sort((a, b) => madeAt(b) - madeAt(a))[0];
}

async function downloadArchive(path: string, job: RemoteJob, repository: GithubRepository, signal: AbortSignal): Promise<CiResult<Buffer>> {
  const limit = new AbortController();
  const chunks: Buffer[] = [];
  let length = 0;
  const write = (bytes: Buffer): void => {
    length += bytes.length;
    if (length > maxArchiveBytes) limit.abort();
    else chunks.push(bytes);
  };
  for (let isRetry = false; ; isRetry = true) {
    const before = length;
    const answer = await repository.bytes(path, length, write, AbortSignal.any([signal, limit.signal]));
    if (limit.signal.aborted) return tooLarge(job);
    if (answer.state === 'answered') return ok(Buffer.concat(chunks));
    // After an interruption the rest is requested, as long as bytes arrive.
    if (answer.reason !== 'offline' || signal.aborted || (isRetry && length === before)) return answer;
  }
}

function tooLarge({ name }: RemoteJob): ReturnType<typeof failure> {
  return failure(`the reports of ${name} are larger than ${maxArchiveBytes >> 20} MB`);
}

/** Sizes in bytes of one unpacked report and of all, and their number. */
const maxUnpacked = { report: 20 << 20, all: 100 << 20, count: 1000 };

/** Returns the XML files in an archive, or the error that makes them unreadable. Limits sizes before it unpacks. */
async function unzipReports(archive: Buffer): Promise<readonly Buffer[] | string> {
  const { unzipSync } = await import('fflate');
  let all = 0;
  let count = 0;
  let excess: string | undefined;
  try {
    const files = unzipSync(archive, {
      filter: ({ name, originalSize, size }) => {
        if (excess !== undefined || !/\.xml$/i.test(name)) return false;
        all += Math.max(originalSize, size);
        count += 1;
        // The declared size is the size of the buffer: longer content cannot exceed it.
        if (originalSize > maxUnpacked.report) excess = `one is larger than ${maxUnpacked.report >> 20} MB`;
        else if (all > maxUnpacked.all) excess = `they are larger than ${maxUnpacked.all >> 20} MB`;
        else if (count > maxUnpacked.count) excess = `they are more than ${maxUnpacked.count}`;
        return excess === undefined;
      },
    });
    return excess ?? Object.values(files).map((bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch {
    return 'the archive is broken';
  }
}
