import type { Repository } from '../git/repository';
import { readBlob, type TreeEntry } from '../git/tree';
import type { Pipeline } from '../model/pipeline';
import { fail, ok, type Failure, type Result } from '../model/result';
import type { RepositoryHome } from '../support/home';
import { KnownPipelines } from './known';
import { definitionName } from './locate';

/** Several errors of one file, as one failure: the command line prints them all. */
export interface DefinitionFailure extends Failure {
  readonly errors: readonly Failure[];
}

/** The pipeline that the tree that is delivered defines for the service in `folder`, not the working copy. */
export async function readPipeline(
  repository: Repository,
  home: RepositoryHome,
  tree: readonly TreeEntry[],
  folder: string,
): Promise<Result<Pipeline>> {
  const path = definitionPath(folder);
  const file = tree.find((entry) => entry.path === definitionName);
  if (!file) return fail('usage', `${path} is not part of the change`, { hint: 'is it ignored by git, or newer than the commit?' });
  const known = new KnownPipelines(home.definitions);
  const before = known.recall(file.id);
  if (before) return ok(before);
  const text = await readBlob(repository, home, file.id);
  if (!text.ok) return text;
  const { parsePipeline } = await import('./parse');
  const { pipeline, errors } = parsePipeline(text.value, path);
  if (!pipeline)
    return { ok: false, failure: { ...(errors[0] ?? { kind: 'usage', message: `${path} is invalid` }), errors } as DefinitionFailure };
  known.keep(file.id, pipeline);
  return ok(pipeline);
}

/** Returns the path of the definition of the service in `folder`, relative to the repository root. */
export function definitionPath(folder: string): string {
  return folder === '' ? definitionName : `${folder}/${definitionName}`;
}
