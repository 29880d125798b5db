import type { Repository } from '../git/repository';
import { readBlob, type TreeEntry } from '../git/tree';
import type { Pipeline } from '../model/pipeline';
import { fail, ok, type Failure, type Result } from '../model/result';
import type { RepositoryHome } from '../support/home';
import { KnownPipelines } from './known';
import { definitionName } from './locate';

/** All errors of a file as one failure. The command line prints each of them. */
export interface DefinitionFailure extends Failure {
  readonly errors: readonly Failure[];
}

/** Reads the pipeline of the service in `folder` from the delivered tree, not from the working copy. */
export async function readPipeline(
  repository: Repository,
  home: RepositoryHome,
  tree: readonly TreeEntry[],
  folder: string,
): Promise<Result<Pipeline>> {
  const path = definitionPath(folder);
  const file = tree.find((entry) => entry.path === definitionName);
  if (!file)
    return fail('usage', `${path} is not part of the change`, {
      hint: 'check that git does not ignore it and that the commit contains it',
    });
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
