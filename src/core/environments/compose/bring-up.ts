import { fail, ok, type Result } from '../../model/result';
import type { Say } from '../environment';
import { markOf, releaseFrom, type PlatformPlace } from '../platform';
import { engineHost, urlOf } from './addresses';
import type { Container } from './containers';
import type { ComposeCall, Engine } from './engine';
import { whyNotUp } from './explain';
import { becomeHealthy } from './health';
import { label } from './labels';
import { projectOf } from './names';
import { Recipes, type Recipe } from './recipe';

/** Labels of compose itself, the same in all its versions. */
const composeProject = 'com.docker.compose.project';
const composeService = 'com.docker.compose.service';
/** How much of what a container printed last is told of one that did not come up. */
const lastLines = 40;

export interface Up {
  readonly url: string;
  /** The id of the image that runs. */
  readonly image: string;
}

/**
 * Has compose bring up a release by its recipe, in place of the one that is live, and waits until it is healthy. What it
 * depends on is started where it does not run, and never replaced.
 */
export async function bringUp(
  engine: Engine,
  place: PlatformPlace,
  recipe: Recipe,
  {
    secrets,
    build,
    log,
    signal,
  }: { readonly secrets: Readonly<Record<string, string>>; readonly build: boolean; readonly log: Say; readonly signal: AbortSignal },
): Promise<Result<Up>> {
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
  const needs = await startNeeds(engine, place, recipe, call);
  if (!needs.ok) return needs;
  const end = await engine.compose(['up', '--detach', '--no-deps', build ? '--build' : '--no-build', recipe.target], call);
  if (end.ended === 'cancelled') return fail('cancelled', 'cancelled');
  if (end.exitCode !== 0) return whyNotUp(service, environment, end);
  const containers = await containersOf(engine, place, recipe, signal);
  if (!containers.ok) return containers;
  return waitFor(engine, place, recipe, containers.value, { ...recipe.env, ...secrets }, log, signal);
}

/** Waits until the containers of a release are healthy; of one that will not be, tells what it printed last. */
export async function waitFor(
  engine: Engine,
  { environment, service }: PlatformPlace,
  { folder, health }: Recipe,
  containers: readonly Container[],
  env: Readonly<Record<string, string>>,
  log: Say,
  signal: AbortSignal,
): Promise<Result<Up>> {
  const [first] = containers;
  if (!first) return fail('delivery', `${service} did not come up in ${environment}: compose started no container of it`);
  const url = urlOf(first, engineHost(process.env));
  const why = await becomeHealthy(engine, containers, { ...(health && { health }), url, folder, env }, signal);
  if (signal.aborted) return fail('cancelled', 'cancelled');
  if (why === undefined) return ok({ url, image: first.image });
  for (const { id } of containers) await engine.ask(['logs', '--tail', String(lastLines), id], new AbortController().signal, log);
  return fail('delivery', `${service} did not come up in ${environment}: ${why}`);
}

/** The containers of a release, running or not. */
export async function containersOf(
  engine: Engine,
  { environment, service }: PlatformPlace,
  { release }: Pick<Recipe, 'release'>,
  signal: AbortSignal,
): Promise<Result<Container[]>> {
  const all = await engine.containers({ [label.environment]: environment, [label.service]: service }, signal);
  return all.ok ? ok(all.value.filter((container) => isOf(container, release.id))) : all;
}

/** Whether a container is one of a release. */
export function isOf({ labels }: Container, releaseId: string): boolean {
  return releaseFrom(labels[label.release])?.id === releaseId;
}

/** The containers of what a service depends on. */
export async function needsOf(engine: Engine, place: PlatformPlace, signal: AbortSignal): Promise<Result<Container[]>> {
  const all = await engine.containers({ [composeProject]: projectOf(place) }, signal);
  return all.ok ? ok(all.value.filter(({ labels }) => labels[label.service] === undefined)) : all;
}

async function startNeeds(engine: Engine, place: PlatformPlace, { needs }: Recipe, call: ComposeCall): Promise<Result<void>> {
  if (needs.length === 0) return ok(undefined);
  const there = await needsOf(engine, place, call.signal);
  if (!there.ok) return there;
  const running = there.value.filter(({ status }) => status === 'running').map(({ labels }) => labels[composeService]);
  const missing = needs.filter((name) => !running.includes(name));
  if (missing.length === 0) return ok(undefined);
  const end = await engine.compose(['up', '--detach', '--no-recreate', ...missing], call);
  if (end.ended === 'cancelled') return fail('cancelled', 'cancelled');
  if (end.exitCode !== 0) return whyNotUp(missing.join(', '), place.environment, end);
  const started = await needsOf(engine, place, call.signal);
  if (!started.ok) return started;
  // One that has done its work and ended well is what it should be.
  const waited = started.value.filter(
    ({ labels, status, exitCode }) => missing.includes(labels[composeService] ?? '') && !(status === 'exited' && exitCode === 0),
  );
  if (waited.length === 0) return ok(undefined);
  const why = await becomeHealthy(engine, waited, { url: '', folder: call.folder, env: {} }, call.signal);
  return why === undefined ? ok(undefined) : fail('delivery', `${missing.join(', ')} did not come up in ${place.environment}: ${why}`);
}
