import { numberOf, present, textOf } from '../../support/json-value';
import type { FoundProblem } from '../../model/problem';
import { ok, type CiResult } from '../ci-client';
import type { Fields, GithubRepository } from './github-repository';
import { lineOf } from './fields';

const mostMessage = 500;

/** What steps said of lines while the job ran, by workflow commands or problem matchers. The check run of a job has its number. */
export async function annotationsOf(
  job: string,
  repository: GithubRepository,
  signal: AbortSignal,
): Promise<CiResult<readonly FoundProblem[]>> {
  const list = await repository.list(`/check-runs/${job}/annotations?per_page=100`, undefined, signal);
  // Fine-grained tokens cannot be allowed to read checks: then nothing is known, which is no failure of the log.
  if (list.state === 'failed') return (list.status === 403 && list.reason === 'token') || list.gone ? ok([]) : list;
  return ok(list.value.flatMap((one) => readAnnotation(one) ?? []));
}

/** Why a job failed that never began, as with a spending limit that is reached: GitHub says it there and nowhere else. */
export async function whyNeverBegun(job: string, repository: GithubRepository, signal: AbortSignal): Promise<string | undefined> {
  const list = await repository.list(`/check-runs/${job}/annotations?per_page=100`, undefined, signal, 1);
  if (list.state === 'failed') return undefined;
  const [words] = list.value.flatMap((one) => (one['annotation_level'] === 'failure' ? (lineOf(one['message'], mostMessage) ?? []) : []));
  return words === undefined ? undefined : `GitHub says: ${words}`;
}

/** Those that GitHub makes itself, as `Process completed with exit code 1.`, have `.github` for their place. */
function readAnnotation(annotation: Fields): FoundProblem | undefined {
  const level = annotation['annotation_level'];
  const file = textOf(annotation['path']);
  const line = numberOf(annotation['start_line']);
  const message = lineOf(annotation['message'], mostMessage) ?? lineOf(annotation['title'], mostMessage);
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
