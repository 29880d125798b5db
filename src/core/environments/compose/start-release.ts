import * as fs from 'node:fs';
import type { Release } from '../../model/events';
import { fail, ok, type Result } from '../../model/result';
import { shortCommit } from '../../support/format';
import type { WriteLine } from '../environment';
import { markOf, type PlatformPlace, releaseFrom } from '../platform';
import { engineHost, urlOf } from './addresses';
import { type Container, label, projectOf } from './containers';
import { type ComposeCall, type ContainerEngine, ensureNetwork } from './engine';
import { startFailure } from './failures';
import { waitUntilHealthy } from './health';
import { pin } from './images';
import { type Recipe, Recipes } from './recipe';

/** Labels that every version of compose sets. */
const composeProject = 'com.docker.compose.project';
const composeService = 'com.docker.compose.service';
/** The number of log lines that are shown of a container that did not come up. */
const lastLines = 40;

export interface StartedRelease {
  readonly url: string;
  /** The id of the image that runs. */
  readonly image: string;
}

/**
 * Lets compose replace the live release by the one of the recipe, and waits until it is healthy. Dependencies are started if they do
 * not run, and never replaced.
 */
export async function startRelease(
  engine: ContainerEngine,
  place: PlatformPlace,
  recipe: Recipe,
  {
    secrets,
    build,
    log,
    signal,
  }: { readonly secrets: Readonly<Record<string, string>>; readonly build: boolean; readonly log: WriteLine; readonly signal: AbortSignal },
): Promise<Result<StartedRelease>> {
  const { environment, service } = place;
  const call: ComposeCall = {
    project: projectOf(place),
    folder: recipe.folder,
    files: [...recipe.files, new Recipes(place.folder).writeOverride(recipe)],
    env: { ...recipe.env, ...secrets },
    run: markOf(recipe.release.id),
    signal,
    log,
  };
  const needs = await startDependencies(engine, place, recipe, call);
  if (!needs.ok) return needs;
  const end = await engine.compose(['up', '--detach', '--no-deps', build ? '--build' : '--no-build', recipe.target], call);
  if (end.ended === 'cancelled') return fail('cancelled', 'cancelled');
  if (end.exitCode !== 0) return startFailure(service, environment, end);
  const containers = await containersOf(engine, place, recipe, signal);
  if (!containers.ok) return containers;
  return waitForRelease(engine, place, recipe, containers.value, { ...recipe.env, ...secrets }, log, signal);
}

/** Waits until the containers of a release are healthy. Logs the last lines of those that do not become healthy. */
export async function waitForRelease(
  engine: ContainerEngine,
  { environment, service }: PlatformPlace,
  { folder, health }: Recipe,
  containers: readonly Container[],
  env: Readonly<Record<string, string>>,
  log: WriteLine,
  signal: AbortSignal,
): Promise<Result<StartedRelease>> {
  const [first] = containers;
  if (!first) return fail('delivery', `${service} did not come up in ${environment}: compose started no container for it`);
  const url = urlOf(first, engineHost(process.env));
  const problem = await waitUntilHealthy(engine, containers, { health, url, folder, env }, signal);
  if (signal.aborted) return fail('cancelled', 'cancelled');
  if (problem === undefined) return ok({ url, image: first.image });
  for (const { id } of containers) await engine.query(['logs', '--tail', String(lastLines), id], new AbortController().signal, log);
  return fail('delivery', `${service} did not come up in ${environment}: ${problem}`);
}

/** Returns the containers of a release, running or not. */
export async function containersOf(
  engine: ContainerEngine,
  { environment, service }: PlatformPlace,
  { release }: Pick<Recipe, 'release'>,
  signal: AbortSignal,
): Promise<Result<Container[]>> {
  const all = await engine.containers({ [label.environment]: environment, [label.service]: service }, signal);
  return all.ok ? ok(all.value.filter((container) => isContainerOf(container, release.id))) : all;
}

export function isContainerOf({ labels }: Container, releaseId: string): boolean {
  return releaseFrom(labels[label.release])?.id === releaseId;
}

/** Returns the containers of a service's dependencies. */
export async function dependencyContainers(
  engine: ContainerEngine,
  place: PlatformPlace,
  signal: AbortSignal,
): Promise<Result<Container[]>> {
  const all = await engine.containers({ [composeProject]: projectOf(place) }, signal);
  return all.ok ? ok(all.value.filter(({ labels }) => labels[label.service] === undefined)) : all;
}

async function startDependencies(
  engine: ContainerEngine,
  place: PlatformPlace,
  { needs }: Recipe,
  call: ComposeCall,
): Promise<Result<void>> {
  if (needs.length === 0) return ok(undefined);
  const present = await dependencyContainers(engine, place, call.signal);
  if (!present.ok) return present;
  const running = present.value.filter(({ status }) => status === 'running').map(({ labels }) => labels[composeService]);
  const missing = needs.filter((name) => !running.includes(name));
  if (missing.length === 0) return ok(undefined);
  const end = await engine.compose(['up', '--detach', '--no-recreate', ...missing], call);
  if (end.ended === 'cancelled') return fail('cancelled', 'cancelled');
  if (end.exitCode !== 0) return startFailure(missing.join(', '), place.environment, end);
  const started = await dependencyContainers(engine, place, call.signal);
  if (!started.ok) return started;
  // A dependency that has ended with exit code 0 has done its work.
  const waited = started.value.filter(
    ({ labels, status, exitCode }) => missing.includes(labels[composeService] ?? '') && !(status === 'exited' && exitCode === 0),
  );
  if (waited.length === 0) return ok(undefined);
  const problem = await waitUntilHealthy(engine, waited, { url: '', folder: call.folder, env: {} }, call.signal);
  return problem === undefined
    ? ok(undefined)
    : fail('delivery', `${missing.join(', ')} did not come up in ${place.environment}: ${problem}`);
}

/** An earlier release and the data that restores it. */
export interface ReleaseToRestore {
  readonly release: Release;
  readonly recipe: Recipe | undefined;
  /** The values of its secrets that are known now. */
  readonly secrets: Readonly<Record<string, string>>;
}

/**
 * Makes an earlier release live again without a build: from its running container, else its stopped container, else its image. Fails
 * before it changes anything if that is impossible.
 */
export async function restoreRelease(
  engine: ContainerEngine,
  place: PlatformPlace,
  earlier: ReleaseToRestore,
  log: WriteLine,
  signal: AbortSignal,
): Promise<Result<StartedRelease>> {
  const { release, recipe, secrets } = earlier;
  const present = await engine.containers({ [label.environment]: place.environment, [label.service]: place.service }, signal);
  if (!present.ok) return present;
  const containers = present.value.filter((container) => isContainerOf(container, release.id));
  const others = present.value.filter((container) => !isContainerOf(container, release.id));
  const commit = shortCommit(release.commit);
  if (recipe && containers.length > 0) {
    const kept = await startAgain(engine, containers, others, signal);
    if (kept.ok) return waitForRelease(engine, place, recipe, kept.value, { ...recipe.env, ...secrets }, log, signal);
    log(kept.failure.message);
  }
  if (!recipe || !fs.existsSync(recipe.folder))
    return fail('delivery', `${commit} cannot be restored: the checkout that it was delivered from is not on this machine`, {
      hint: 'deliver that commit again',
    });
  const missing = recipe.secrets.find((name) => secrets[name] === undefined);
  if (missing !== undefined)
    return fail('delivery', `${commit} cannot be restored without its secret ${missing}, which is not set`, {
      hint: `set ${missing} in the environment or, in the editor, with “Deliver: Set Secret…”`,
    });
  const image = recipe.override.services[recipe.target]?.image;
  if (image !== undefined && recipe.image !== undefined) {
    const pinned = await pin(engine, image, recipe.image, signal);
    if (!pinned.ok)
      return fail('delivery', `${commit} cannot be restored: ${pinned.failure.message}`, { hint: 'deliver that commit again' });
  }
  const network = await ensureNetwork(engine, place, signal);
  if (!network.ok) return network;
  return startRelease(engine, place, recipe, { secrets, build: false, log, signal });
}

/** Starts the containers of a release that was not removed yet. They still hold its secrets. */
async function startAgain(
  engine: ContainerEngine,
  containers: readonly Container[],
  others: readonly Container[],
  signal: AbortSignal,
): Promise<Result<readonly Container[]>> {
  await remove(engine, others, signal);
  const down = containers.filter(({ status }) => status !== 'running');
  if (down.length > 0) {
    const started = await engine.run(['start', ...down.map(({ id }) => id)], signal);
    if (!started.ok) return started;
  }
  // Published ports are known once the container runs.
  return down.length === 0
    ? ok(containers)
    : engine.inspect(
        containers.map(({ id }) => id),
        signal,
      );
}

/** Stops containers with their grace period and removes them. */
export async function remove(engine: ContainerEngine, containers: readonly Container[], signal: AbortSignal): Promise<Result<void>> {
  if (containers.length === 0) return ok(undefined);
  const stopped = await stop(engine, containers, signal);
  return stopped.ok ? engine.run(['rm', '--force', ...containers.map(({ id }) => id)], signal) : stopped;
}

/** Stops containers. The engine kills those that ignore it after their grace period. */
export async function stop(engine: ContainerEngine, containers: readonly Container[], signal: AbortSignal): Promise<Result<void>> {
  const running = containers.filter(({ status }) => status !== 'exited' && status !== 'created');
  if (running.length === 0) return ok(undefined);
  const end = await engine.stream(['stop', ...running.map(({ id }) => id)], signal, () => {});
  return end.exitCode === 0 ? ok(undefined) : engine.failure(end);
}
