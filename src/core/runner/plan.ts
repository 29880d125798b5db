import type { Repository } from '../git/repository';
import { openEnvironment } from '../environments/environments';
import type { Environment } from '../environments/environment';
import { type Claim, claim, ownerOf } from '../environments/owner';
import { fail, ok, type Result } from '../model/result';
import type { RepositoryHome } from '../support/home';
import { listServices } from '../pipeline/locate';
import { definitionPath } from '../pipeline/read-pipeline';
import type { Pipeline } from '../model/pipeline';
import { EnvFiles } from './env-file';
import { declaredSecrets } from '../process/step-environment';

/** Everything that is resolved before the first step of a run. */
export interface DeliveryPlan {
  readonly pipeline: Pipeline;
  /** The environments that the pipeline deploys to, by name. */
  readonly environments: ReadonlyMap<string, Environment>;
  /** The right to deploy to them, by name. */
  readonly claims: ReadonlyMap<string, Claim>;
  readonly secrets: Readonly<Record<string, string>>;
  readonly envFiles: EnvFiles;
  /** The other services of the repository. */
  readonly siblings: readonly string[];
}

/**
 * Resolves the environments, secrets and sibling services of a pipeline. Fails for a missing secret, an environment of another kind and
 * a service that belongs to another repository.
 */
export async function planPipeline(
  repository: Repository,
  home: RepositoryHome,
  pipeline: Pipeline,
  folder: string,
  given: { readonly env: NodeJS.ProcessEnv; readonly program: readonly string[]; readonly takeOver?: boolean },
): Promise<Result<DeliveryPlan>> {
  const secrets = declaredSecrets(given.env, pipeline);
  for (const step of pipeline.steps) {
    const missing = step.secrets.find((name) => secrets[name] === undefined);
    if (missing === undefined) continue;
    return fail('usage', `step ${step.name} needs the secret ${missing}, which is not set`, {
      path: definitionPath(folder),
      hint: `set ${missing} in the environment or, in the editor, with “Deliver: Set Secret…”`,
    });
  }

  const envFiles = EnvFiles.read(pipeline, repository.root, folder);
  if (!envFiles.ok) return envFiles;
  const environments = new Map<string, Environment>();
  const claims = new Map<string, Claim>();
  const names = new Set(pipeline.steps.flatMap((step) => step.deploy ?? []));
  const mine = names.size === 0 ? undefined : await ownerOf(repository);
  for (const name of names) {
    const definition = pipeline.environments[name];
    if (!definition) throw new Error(`the parser let the unknown environment ${name} pass`);
    const environment = openEnvironment(name, pipeline.service, definition, home.home, given.program);
    if (!environment.ok) return environment;
    environments.set(name, environment.value);
    const { service } = pipeline;
    const live = environment.value.status().find((one) => one.service === service);
    const claimed = mine && (await claim({ service, environment: name }, live?.owner, mine, given.takeOver ?? false));
    if (claimed && !claimed.ok) return claimed;
    if (claimed) claims.set(name, claimed.value);
  }
  const siblings =
    environments.size === 0
      ? []
      : (await listServices(repository.root)).map((service) => service.name).filter((name) => name !== pipeline.service);
  return ok({ pipeline, environments, claims, secrets: { ...secrets, ...envFiles.value.masked }, envFiles: envFiles.value, siblings });
}

/** Asks for a confirmation if a step deploys to the `release` environment. Fails if it is declined. */
export async function confirmProduction(
  { steps, release }: Pipeline,
  request: { readonly confirmProduction: (environment: string) => Promise<boolean> },
): Promise<Result<void>> {
  const customers = steps.find(({ deploy }) => deploy !== undefined && deploy === release)?.deploy;
  if (customers === undefined || (await request.confirmProduction(customers))) return ok(undefined);
  return fail('usage', `nothing was delivered: the pipeline deploys to the production environment ${customers}`, {
    hint: '--yes confirms it',
  });
}
