import type { Release } from '../../model/events';
import type { ComposeDefinition } from './descriptor';
import { fail, ok, type Result } from '../../model/result';
import type { WriteLine } from '../environment';
import { markOf, type PlatformDeploy, type PlatformPlace } from '../platform';
import { engineHost, hostPort, neighbourVariables } from './addresses';
import { composeFiles, resolveFiles } from './compose-files';
import { chooseTarget, type ComposeService } from './config';
import { type Container, label, projectOf } from './containers';
import { type ComposeCall, type ContainerEngine, ensureNetwork } from './engine';
import { startFailure } from './failures';
import { builtImage, promotedImage } from './images';
import { createOverride, type OverrideOptions, type Recipe, Recipes } from './recipe';

export interface Prepared {
  readonly recipe: Recipe;
  /** Whether the image has to be built. */
  readonly build: boolean;
}

/** Creates the recipe of a release from its files and from the running containers of the environment. The live release is not changed. */
export async function prepare(
  engine: ContainerEngine,
  definition: ComposeDefinition,
  place: PlatformPlace,
  cacheFile: string,
  request: PlatformDeploy,
  log: WriteLine,
  signal: AbortSignal,
): Promise<Result<Prepared>> {
  const { release, folder, secrets, addresses, promotes } = request;
  const { environment, service } = place;
  const files = composeFiles(folder, definition.files, environment);
  if (!files.ok) return files;
  const variables = releaseVariables(place, release);
  const env = { ...variables, ...definition.env };
  const call: ComposeCall = { project: projectOf(place), folder, files: files.value, env, run: markOf(release.id), signal };
  const resolved = await resolveFiles(engine, call, { secrets }, cacheFile);
  if (!resolved.ok) return resolved;
  const { config, version } = resolved.value;
  const chosen = chooseTarget(config, service, definition.service);
  if (!chosen.ok) return chosen;
  const target = chosen.value;
  const [running, image, network, logDriver] = await Promise.all([
    engine.containers({ [label.environment]: environment }, signal),
    imageOf(engine, place, target, request, signal),
    ensureNetwork(engine, place, signal),
    engine.logDriver(signal),
  ]);
  if (!running.ok) return running;
  if (!image.ok) return image;
  if (!network.ok) return network;
  const options: OverrideOptions = {
    environment,
    service,
    release,
    config,
    target,
    version,
    image: image.value.name,
    logDriver,
    variables: { ...variables, ...neighbourVariables(service, running.value, addresses) },
  };
  const recipe: Recipe = {
    release,
    folder,
    files: files.value,
    override: createOverride(options),
    target: target.name,
    needs: target.needs,
    env,
    secrets: Object.keys(secrets),
    health: definition.health,
  };
  const port = await portOf(
    engine,
    definition,
    target,
    { recipe, image: image.value },
    { ...call, env: { ...env, ...secrets }, log },
    place,
  );
  if (!port.ok) return port;
  const { inside, isPublished, isBuilt } = port.value;
  if (definition.health && !('command' in definition.health.probe) && inside === undefined)
    return fail('usage', `the health check of ${service} in ${environment} needs a port, and the service has none`, {
      hint: 'set `port` in `compose` to the port that it listens on in its container',
    });
  const present = running.value.filter(({ labels }) => labels[label.service] === service);
  const publish = inside === undefined || isPublished ? undefined : await addressFor(place, present);
  const override = createOverride({ ...options, port: inside, publish });
  return ok({ recipe: { ...recipe, override }, build: image.value.build && !isBuilt && promotes === undefined });
}

interface Image {
  /** Absent: the image that the file names. */
  readonly name?: string;
  readonly build: boolean;
}

async function imageOf(
  engine: ContainerEngine,
  place: PlatformPlace,
  target: ComposeService,
  { release, promotes }: PlatformDeploy,
  signal: AbortSignal,
): Promise<Result<Image>> {
  if (promotes) {
    const image = await promotedImage(engine, place, promotes, signal);
    return image.ok ? ok({ name: image.value, build: false }) : image;
  }
  if (target.build === undefined) return ok({ build: false });
  const name = builtImage(place.service, release.tree, target.build);
  return ok({ name, build: (await engine.imageId(name, signal)) === undefined });
}

interface Port {
  readonly inside?: number;
  readonly isPublished: boolean;
  /** The image was built or pulled to read its ports. */
  readonly isBuilt?: boolean;
}

/** Returns the service's port: the configured one, else the published one, else the only exposed one. */
async function portOf(
  engine: ContainerEngine,
  definition: ComposeDefinition,
  target: ComposeService,
  { recipe, image }: { recipe: Recipe; image: Image },
  call: ComposeCall,
  place: PlatformPlace,
): Promise<Result<Port>> {
  const fixed = target.ports.find((port) => port.host !== undefined && (definition.port === undefined || port.target === definition.port));
  if (fixed) return ok({ inside: fixed.target, isPublished: true });
  const [only, ...others] = target.ports.length > 0 ? target.ports.map((port) => port.target) : target.exposed;
  const inside = definition.port ?? (others.length === 0 ? only : undefined);
  if (inside !== undefined) return ok({ inside, isPublished: false });
  if (only !== undefined) return ok({ isPublished: false });
  const name = image.name ?? target.image ?? '';
  const isLocal = (await engine.imageId(name, call.signal)) !== undefined;
  if (!isLocal) {
    const override = new Recipes(place.folder).writeOverride(recipe);
    const made = await engine.compose([image.build ? 'build' : 'pull', target.name], { ...call, files: [...call.files, override] });
    if (made.exitCode !== 0) return startFailure(place.service, place.environment, made);
  }
  const { ports } = await engine.inspectImage(name, call.signal);
  const exposed = ports.length === 1 ? ports[0] : undefined;
  return ok({ inside: exposed, isPublished: false, isBuilt: !isLocal });
}

/** Publishes the port to this machine only, unless the engine runs on another one. */
async function addressFor({ environment, service }: PlatformPlace, present: readonly Container[]): Promise<string> {
  const port = await hostPort(environment, service, present);
  return engineHost(process.env) === '127.0.0.1' ? `127.0.0.1:${port}` : String(port);
}

/** Returns the variables that identify a release, for compose's files and for the container. */
export function releaseVariables({ environment, service }: PlatformPlace, { commit, tree }: Pick<Release, 'commit' | 'tree'>) {
  return { DELIVERY_ENVIRONMENT: environment, DELIVERY_SERVICE: service, DELIVERY_COMMIT: commit, DELIVERY_TREE: tree };
}
