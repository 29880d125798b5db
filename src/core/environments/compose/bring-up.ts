import * as fs from 'node:fs';
import type { Release } from '../../model/events';
import { fail, ok, type Result } from '../../model/result';
import type { WriteLine } from '../environment';
import { markOf, type PlatformPlace, releaseFrom } from '../platform';
import { engineHost, urlOf } from './addresses';
import { type Container, label, projectOf } from './containers';
import { type ComposeCall, type ContainerEngine, ensureNetwork } from './engine';
import { startFailure } from './failures';
import { waitUntilHealthy } from './health';
import { pin } from './images';
import { type Recipe, Recipes } from './recipe';

/** Labels of compose itself, the same in all its versions. */
const composeProject = 'com.docker.compose.project';
const composeService = 'com.docker.compose.service';
/** How much of what a container printed last is told of one that did not come up. */
const lastLines = 40;

export interface StartedRelease {
  readonly url: string;
  /** The id of the image that runs. */
  readonly image: string;
}

/**
 * Has compose bring up a release by its recipe, in place of the one that is live, and waits until it is healthy. What it
 * depends on is started where it does not run, and never replaced.
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

/** Waits until the containers of a release are healthy; of one that will not be, tells what it printed last. */
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
  if (!first) return fail('delivery', `${service} did not come up in ${environment}: compose started no container of it`);
  const url = urlOf(first, engineHost(process.env));
  const why = await waitUntilHealthy(engine, containers, { ...(health && { health }), url, folder, env }, signal);
  if (signal.aborted) return fail('cancelled', 'cancelled');
  if (why === undefined) return ok({ url, image: first.image });
  for (const { id } of containers) await engine.query(['logs', '--tail', String(lastLines), id], new AbortController().signal, log);
  return fail('delivery', `${service} did not come up in ${environment}: ${why}`);
}

/** The containers of a release, running or not. */
export async function containersOf(
  engine: ContainerEngine,
  { environment, service }: PlatformPlace,
  { release }: Pick<Recipe, 'release'>,
  signal: AbortSignal,
): Promise<Result<Container[]>> {
  const all = await engine.containers({ [label.environment]: environment, [label.service]: service }, signal);
  return all.ok ? ok(all.value.filter((container) => isContainerOf(container, release.id))) : all;
}

/** Whether a container is one of a release. */
export function isContainerOf({ labels }: Container, releaseId: string): boolean {
  return releaseFrom(labels[label.release])?.id === releaseId;
}

/** The containers of what a service depends on. */
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
  const there = await dependencyContainers(engine, place, call.signal);
  if (!there.ok) return there;
  const running = there.value.filter(({ status }) => status === 'running').map(({ labels }) => labels[composeService]);
  const missing = needs.filter((name) => !running.includes(name));
  if (missing.length === 0) return ok(undefined);
  const end = await engine.compose(['up', '--detach', '--no-recreate', ...missing], call);
  if (end.ended === 'cancelled') return fail('cancelled', 'cancelled');
  if (end.exitCode !== 0) return startFailure(missing.join(', '), place.environment, end);
  const started = await dependencyContainers(engine, place, call.signal);
  if (!started.ok) return started;
  // One that has done its work and ended well is what it should be.
  const waited = started.value.filter(
    ({ labels, status, exitCode }) => missing.includes(labels[composeService] ?? '') && !(status === 'exited' && exitCode === 0),
  );
  if (waited.length === 0) return ok(undefined);
  const why = await waitUntilHealthy(engine, waited, { url: '', folder: call.folder, env: {} }, call.signal);
  return why === undefined ? ok(undefined) : fail('delivery', `${missing.join(', ')} did not come up in ${place.environment}: ${why}`);
}

/** An earlier release, and all that it takes to bring it back. */
export interface ReleaseToRestore {
  readonly release: Release;
  readonly recipe: Recipe | undefined;
  /** The values of its secrets, as far as they are known now. */
  readonly secrets: Readonly<Record<string, string>>;
}

/**
 * Makes a release live again without building: as it still runs, else its container where that is still there, else a new
 * one of its image. Fails before anything is touched where it cannot work.
 */
export async function restoreRelease(
  engine: ContainerEngine,
  place: PlatformPlace,
  earlier: ReleaseToRestore,
  log: WriteLine,
  signal: AbortSignal,
): Promise<Result<StartedRelease>> {
  const { release, recipe, secrets } = earlier;
  const there = await engine.containers({ [label.environment]: place.environment, [label.service]: place.service }, signal);
  if (!there.ok) return there;
  const own = there.value.filter((container) => isContainerOf(container, release.id));
  const others = there.value.filter((container) => !isContainerOf(container, release.id));
  const commit = release.commit.slice(0, 8);
  if (recipe && own.length > 0) {
    const kept = await startAgain(engine, own, others, signal);
    if (kept.ok) return waitForRelease(engine, place, recipe, kept.value, { ...recipe.env, ...secrets }, log, signal);
    log(kept.failure.message);
  }
  if (!recipe || !fs.existsSync(recipe.folder))
    return fail('delivery', `${commit} cannot be brought back: the checkout that it was delivered from is not on this machine`, {
      hint: 'deliver that commit again',
    });
  const missing = recipe.secrets.find((name) => secrets[name] === undefined);
  if (missing !== undefined)
    return fail('delivery', `${commit} cannot be brought back without its secret ${missing}, which is not set`, {
      hint: `set ${missing} in the environment or, in the editor, with “Deliver: Set Secret”`,
    });
  const image = recipe.override.services[recipe.target]?.image;
  if (image !== undefined && recipe.image !== undefined) {
    const pinned = await pin(engine, image, recipe.image, signal);
    if (!pinned.ok)
      return fail('delivery', `${commit} cannot be brought back: ${pinned.failure.message}`, { hint: 'deliver that commit again' });
  }
  const network = await ensureNetwork(engine, place, signal);
  if (!network.ok) return network;
  return startRelease(engine, place, recipe, { secrets, build: false, log, signal });
}

/** The container of a release that was replaced only halfway: nothing is made anew, and its secrets are still in it. */
async function startAgain(
  engine: ContainerEngine,
  own: readonly Container[],
  others: readonly Container[],
  signal: AbortSignal,
): Promise<Result<readonly Container[]>> {
  await remove(engine, others, signal);
  const down = own.filter(({ status }) => status !== 'running');
  if (down.length > 0) {
    const started = await engine.run(['start', ...down.map(({ id }) => id)], signal);
    if (!started.ok) return started;
  }
  // What is published is known once it runs.
  return down.length === 0
    ? ok(own)
    : engine.inspect(
        own.map(({ id }) => id),
        signal,
      );
}

/** Ends containers, with the time that they ask for, and removes them. */
export async function remove(engine: ContainerEngine, containers: readonly Container[], signal: AbortSignal): Promise<Result<void>> {
  if (containers.length === 0) return ok(undefined);
  const stopped = await stop(engine, containers, signal);
  return stopped.ok ? engine.run(['rm', '--force', ...containers.map(({ id }) => id)], signal) : stopped;
}

/** Ends containers as they ask for it; what ignores that is killed by the engine after its time. */
export async function stop(engine: ContainerEngine, containers: readonly Container[], signal: AbortSignal): Promise<Result<void>> {
  const running = containers.filter(({ status }) => status !== 'exited' && status !== 'created');
  if (running.length === 0) return ok(undefined);
  const end = await engine.stream(['stop', ...running.map(({ id }) => id)], signal, () => {});
  return end.exitCode === 0 ? ok(undefined) : engine.failure(end);
}
