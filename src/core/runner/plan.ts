import { readBlob, type TreeEntry } from '../git/tree';
import type { Repository } from '../git/repository';
import { openEnvironment } from '../environments/environments';
import type { Environment } from '../environments/environment';
import { fail, ok, type Failure, type Result } from '../model/result';
import type { RepositoryHome } from '../support/home';
import { definitionName, listServices } from '../pipeline/locate';
import { KnownPipelines } from '../pipeline/known';
import type { Pipeline } from '../model/pipeline';
import { declaredSecrets } from './step-environment';

/** All that must be known, and can go wrong, before the first step of a run. */
export interface DeliveryPlan {
  readonly pipeline: Pipeline;
  /** Those that the pipeline deploys to, by name. */
  readonly environments: ReadonlyMap<string, Environment>;
  readonly secrets: Readonly<Record<string, string>>;
  /** The other services of the repository. */
  readonly siblings: readonly string[];
}

/** Several errors of one file, as one failure: the command line prints them all. */
export interface DefinitionFailure extends Failure {
  readonly errors: readonly Failure[];
}

/** What the steps of a pipeline ask for: environments, secrets, the addresses of others. */
export async function planPipeline(
  repository: Repository,
  home: RepositoryHome,
  pipeline: Pipeline,
  folder: string,
  given: { readonly env: NodeJS.ProcessEnv; readonly program: readonly string[] },
): Promise<Result<DeliveryPlan>> {
  const secrets = declaredSecrets(given.env, pipeline);
  for (const step of pipeline.steps) {
    const missing = step.secrets.find((name) => secrets[name] === undefined);
    if (missing === undefined) continue;
    return fail('usage', `step ${step.name} needs the secret ${missing}, which is not set`, {
      path: pathOf(folder),
      hint: `set ${missing} in the environment or, in the editor, with “Deliver: Set Secret”`,
    });
  }

  const environments = new Map<string, Environment>();
  for (const name of new Set(pipeline.steps.flatMap((step) => step.deploy ?? []))) {
    const definition = pipeline.environments[name];
    if (!definition) throw new Error(`the parser let the unknown environment ${name} pass`);
    const environment = openEnvironment(name, pipeline.service, definition, home.home, given.program);
    if (!environment.ok) return environment;
    environments.set(name, environment.value);
  }
  const siblings =
    environments.size === 0
      ? []
      : (await listServices(repository.root)).map((service) => service.name).filter((name) => name !== pipeline.service);
  return ok({ pipeline, environments, secrets, siblings });
}

/** The pipeline that the tree that is delivered defines for the service in `folder`, not the working copy. */
export async function readPipeline(
  repository: Repository,
  home: RepositoryHome,
  tree: readonly TreeEntry[],
  folder: string,
): Promise<Result<Pipeline>> {
  const path = pathOf(folder);
  const file = tree.find((entry) => entry.path === definitionName);
  if (!file) return fail('usage', `${path} is not part of the change`, { hint: 'is it ignored by git, or newer than the commit?' });
  const known = new KnownPipelines(home.definitions);
  const before = known.recall(file.id);
  if (before) return ok(before);
  const text = await readBlob(repository, home, file.id);
  if (!text.ok) return text;
  const { parsePipeline } = await import('../pipeline/parse');
  const { pipeline, errors } = parsePipeline(text.value, path);
  if (!pipeline)
    return { ok: false, failure: { ...(errors[0] ?? { kind: 'usage', message: `${path} is invalid` }), errors } as DefinitionFailure };
  known.keep(file.id, pipeline);
  return ok(pipeline);
}

function pathOf(folder: string): string {
  return folder === '' ? definitionName : `${folder}/${definitionName}`;
}
