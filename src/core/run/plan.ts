import { readFileAt } from '../changes/tree';
import type { Repository } from '../changes/repository';
import { openEnvironment } from '../environments/environments';
import type { Environment } from '../environments/environment';
import { fail, ok, type Failure, type Result } from '../failure';
import type { RepositoryHome } from '../home';
import { definitionName, listServices } from '../pipeline/locate';
import { parsePipeline } from '../pipeline/parse';
import type { Pipeline } from '../pipeline/pipeline';
import type { Change } from './events';
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

/** Reads the pipeline of the change that is delivered, not of the working copy, and what it asks for. */
export async function planDelivery(
  repository: Repository,
  home: RepositoryHome,
  change: Change,
  folder: string,
  given: { readonly env: NodeJS.ProcessEnv; readonly supervisor: readonly string[] },
): Promise<Result<DeliveryPlan>> {
  const path = folder === '' ? definitionName : `${folder}/${definitionName}`;
  const text = await readFileAt(repository, home, change.commit, path);
  if (!text.ok) return text;
  if (text.value === undefined)
    return fail('usage', `${path} is not part of the change`, { hint: 'is it ignored by git, or newer than the commit?' });
  const { pipeline, errors } = parsePipeline(text.value, path);
  if (!pipeline)
    return { ok: false, failure: { ...(errors[0] ?? { kind: 'usage', message: `${path} is invalid` }), errors } as DefinitionFailure };

  const secrets = declaredSecrets(given.env, pipeline);
  for (const step of pipeline.steps) {
    const missing = step.secrets.find((name) => secrets[name] === undefined);
    if (missing === undefined) continue;
    return fail('usage', `step ${step.name} needs the secret ${missing}, which is not set`, {
      path,
      hint: `set ${missing} in the environment or, in the editor, with “Deliver: Set Secret”`,
    });
  }

  const environments = new Map<string, Environment>();
  for (const name of new Set(pipeline.steps.flatMap((step) => step.deploy ?? []))) {
    const definition = pipeline.environments[name];
    if (!definition) throw new Error(`the parser let the unknown environment ${name} pass`);
    const environment = openEnvironment(name, definition, home.home, given.supervisor);
    if (!environment.ok) return environment;
    environments.set(name, environment.value);
  }
  const siblings =
    environments.size === 0
      ? []
      : (await listServices(repository.root)).map((service) => service.name).filter((name) => name !== pipeline.service);
  return ok({ pipeline, environments, secrets, siblings });
}
