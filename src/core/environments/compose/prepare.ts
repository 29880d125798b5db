import { fail, ok, type Result } from '../../model/result';
import type { ComposeDefinition } from './descriptor';
import type { Say } from '../environment';
import { markOf, type PlatformDeploy, type PlatformPlace } from '../platform';
import { engineHost, hostPort, neighbours } from './addresses';
import type { Container } from './containers';
import type { ComposeCall, Engine } from './engine';
import { whyNotUp } from './explain';
import { composeFiles } from './files';
import { builtImage, promotedImage } from './images';
import { label } from './labels';
import { joinable } from './network';
import { projectOf } from './names';
import { overrideFor, type OverrideWish } from './override';
import { Recipes, type Recipe } from './recipe';
import type { ComposeService } from './config';
import { resolveFiles } from './resolve';
import { chooseTarget } from './target';
import { releaseVariables } from './variables';

export interface Prepared {
  readonly recipe: Recipe;
  /** The image is not there yet. */
  readonly build: boolean;
}

/** Works out how a release is brought up: from its files, and from what runs in the environment. Nothing that is live is touched. */
export async function prepare(
  engine: Engine,
  definition: ComposeDefinition,
  place: PlatformPlace,
  memory: string,
  request: PlatformDeploy,
  log: Say,
  signal: AbortSignal,
): Promise<Result<Prepared>> {
  const { release, folder, secrets, addresses, promotes } = request;
  const { environment, service } = place;
  const files = composeFiles(folder, definition.files, environment);
  if (!files.ok) return files;
  const variables = releaseVariables(place, release);
  const env = { ...variables, ...definition.env };
  const call: ComposeCall = { project: projectOf(place), folder, files: files.value, env, run: markOf(release.id), signal };
  const resolved = await resolveFiles(engine, call, { secrets }, memory);
  if (!resolved.ok) return resolved;
  const { config, version } = resolved.value;
  const chosen = chooseTarget(config, service, definition.service);
  if (!chosen.ok) return chosen;
  const target = chosen.value;
  const [running, image, network, logDriver] = await Promise.all([
    engine.containers({ [label.environment]: environment }, signal),
    imageOf(engine, place, target, request, signal),
    joinable(engine, place, signal),
    engine.logDriver(signal),
  ]);
  if (!running.ok) return running;
  if (!image.ok) return image;
  if (!network.ok) return network;
  const wish: OverrideWish = {
    environment,
    service,
    release,
    config,
    target,
    ...(version !== undefined && { version }),
    ...(image.value.name !== undefined && { image: image.value.name }),
    logDriver,
    variables: { ...variables, ...neighbours(service, running.value, addresses) },
  };
  const recipe: Recipe = {
    release,
    folder,
    files: files.value,
    override: overrideFor(wish),
    target: target.name,
    needs: target.needs,
    env,
    secrets: Object.keys(secrets),
    ...(definition.health && { health: definition.health }),
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
    return fail('usage', `the health of ${service} in ${environment} is asked at its port, and it has none`, {
      hint: 'add the `port` that it listens on inside its container to `compose`',
    });
  const own = running.value.filter(({ labels }) => labels[label.service] === service);
  const publish = inside === undefined || isPublished ? undefined : await addressFor(place, own);
  const override = overrideFor({ ...wish, ...(inside !== undefined && { port: inside }), ...(publish !== undefined && { publish }) });
  return ok({ recipe: { ...recipe, override }, build: image.value.build && !isBuilt && promotes === undefined });
}

interface Image {
  /** Absent: the one that the file names. */
  readonly name?: string;
  readonly build: boolean;
}

async function imageOf(
  engine: Engine,
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
  /** The image had to be built or pulled to know it. */
  readonly isBuilt?: true;
}

/** The port that the service answers on: the one that is named, else the one that is published, else the only one that is exposed. */
async function portOf(
  engine: Engine,
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
  const isThere = (await engine.imageId(name, call.signal)) !== undefined;
  if (!isThere) {
    const override = new Recipes(place.folder).writeOverride(recipe);
    const made = await engine.compose([image.build ? 'build' : 'pull', target.name], { ...call, files: [...call.files, override] });
    if (made.exitCode !== 0) return whyNotUp(place.service, place.environment, made);
  }
  const { ports } = await engine.imageFacts(name, call.signal);
  const exposed = ports.length === 1 ? ports[0] : undefined;
  return ok({ ...(exposed !== undefined && { inside: exposed }), isPublished: false, ...(!isThere && { isBuilt: true as const }) });
}

/** Never more widely than it is needed: for this machine, unless the engine is on another. */
async function addressFor({ environment, service }: PlatformPlace, own: readonly Container[]): Promise<string> {
  const port = await hostPort(environment, service, own);
  return engineHost(process.env) === '127.0.0.1' ? `127.0.0.1:${port}` : String(port);
}
