import * as fs from 'node:fs';
import * as path from 'node:path';
import type { CiPipeline } from '../ci/ci-service';
import type { Repository } from '../git/repository';
import { readBlob, type TreeEntry } from '../git/tree';
import { definitionName, type Pipeline } from '../model/pipeline';
import { fail, ok, type Failure, type Result } from '../model/result';
import type { RepositoryHome } from '../support/home';
import { KnownPipelines } from './known';
import { listServices } from './locate';

/** Reads the pipeline of the service in `folder` from the delivered tree, not from the working copy. */
export async function readPipeline(
  repository: Repository,
  home: RepositoryHome,
  tree: readonly TreeEntry[],
  folder: string,
): Promise<Result<Pipeline>> {
  const name = definitionPath(folder);
  const file = tree.find((entry) => entry.path === definitionName);
  if (!file)
    return fail('usage', `${name} is not part of the change`, {
      hint: 'check that git does not ignore it and that the commit contains it',
    });
  const known = new KnownPipelines(home.definitions);
  const before = known.recall(file.id);
  if (before) return ok(before);
  const text = await readBlob(repository, home, file.id);
  if (!text.ok) return text;
  const { parsePipeline } = await import('./parse');
  const { pipeline, errors } = parsePipeline(text.value, name);
  if (!pipeline) return { ok: false, failure: { ...(errors[0] ?? { kind: 'usage', message: `${name} is invalid` }), errors } };
  known.keep(file.id, pipeline);
  return ok(pipeline);
}

/** Returns the path of the definition of the service in `folder`, relative to the repository root. */
export function definitionPath(folder: string): string {
  return folder === '' ? definitionName : `${folder}/${definitionName}`;
}

/** Returns the services of a working copy with their pipelines, or every error of their definitions. */
export async function readServices(root: string): Promise<Result<CiPipeline[]>> {
  const places = await listServices(root);
  if (places.length === 0) return fail('usage', `there is no ${definitionName} in ${root}`, { hint: 'deliver init writes one' });
  const { parsePipeline } = await import('./parse');
  const errors: Failure[] = [];
  const services: CiPipeline[] = [];
  for (const { folder } of places) {
    const file = definitionPath(folder);
    const parsed = parsePipeline(fs.readFileSync(path.join(root, file), 'utf8'), file);
    errors.push(...parsed.errors);
    if (parsed.pipeline) services.push({ folder, pipeline: parsed.pipeline });
  }
  const [first] = errors;
  return first ? { ok: false, failure: { ...first, errors } } : ok(services);
}
