import * as fs from 'node:fs';
import { fail, ok, type Result } from '../../model/result';
import type { Release } from '../../model/events';
import type { Say } from '../environment';
import type { PlatformPlace } from '../platform';
import { bringUp, isOf, waitFor, type Up } from './bring-up';
import type { Container } from './containers';
import type { Engine } from './engine';
import { pin } from './images';
import { label } from './labels';
import { joinable } from './network';
import type { Recipe } from './recipe';

/** An earlier release, and all that it takes to bring it back. */
export interface Earlier {
  readonly release: Release;
  readonly recipe: Recipe | undefined;
  /** The values of its secrets, as far as they are known now. */
  readonly secrets: Readonly<Record<string, string>>;
}

/**
 * Makes a release live again without building: as it still runs, else its container where that is still there, else a new
 * one of its image. Fails before anything is touched where it cannot work.
 */
export async function bringBack(
  engine: Engine,
  place: PlatformPlace,
  earlier: Earlier,
  log: Say,
  signal: AbortSignal,
): Promise<Result<Up>> {
  const { release, recipe, secrets } = earlier;
  const there = await engine.containers({ [label.environment]: place.environment, [label.service]: place.service }, signal);
  if (!there.ok) return there;
  const own = there.value.filter((container) => isOf(container, release.id));
  const others = there.value.filter((container) => !isOf(container, release.id));
  const commit = release.commit.slice(0, 8);
  if (recipe && own.length > 0) {
    const kept = await startAgain(engine, own, others, signal);
    if (kept.ok) return waitFor(engine, place, recipe, kept.value, { ...recipe.env, ...secrets }, log, signal);
    log(kept.failure.message);
  }
  if (!recipe || !fs.existsSync(recipe.folder))
    return fail('delivery', `${commit} cannot be brought back: the checkout that it was delivered from is not on this machine`, {
      hint: 'deliver that commit again',
    });
  const missing = recipe.secrets.find((name) => secrets[name] === undefined);
  if (missing !== undefined)
    return fail('delivery', `${commit} cannot be brought back without its secret ${missing}, which is not set`, {
      hint: `set ${missing} in the environment or, in the editor, with “Deliver: Set Secret…”`,
    });
  const image = recipe.override.services[recipe.target]?.image;
  if (image !== undefined && recipe.image !== undefined) {
    const pinned = await pin(engine, image, recipe.image, signal);
    if (!pinned.ok)
      return fail('delivery', `${commit} cannot be brought back: ${pinned.failure.message}`, { hint: 'deliver that commit again' });
  }
  const network = await joinable(engine, place, signal);
  if (!network.ok) return network;
  return bringUp(engine, place, recipe, { secrets, build: false, log, signal });
}

/** The container of a release that was replaced only halfway: nothing is made anew, and its secrets are still in it. */
async function startAgain(
  engine: Engine,
  own: readonly Container[],
  others: readonly Container[],
  signal: AbortSignal,
): Promise<Result<readonly Container[]>> {
  await remove(engine, others, signal);
  const down = own.filter(({ status }) => status !== 'running');
  if (down.length > 0) {
    const started = await engine.act(['start', ...down.map(({ id }) => id)], signal);
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
export async function remove(engine: Engine, containers: readonly Container[], signal: AbortSignal): Promise<Result<void>> {
  if (containers.length === 0) return ok(undefined);
  const stopped = await stop(engine, containers, signal);
  return stopped.ok ? engine.act(['rm', '--force', ...containers.map(({ id }) => id)], signal) : stopped;
}

/** Ends containers as they ask for it; what ignores that is killed by the engine after its time. */
export async function stop(engine: Engine, containers: readonly Container[], signal: AbortSignal): Promise<Result<void>> {
  const running = containers.filter(({ status }) => status !== 'exited' && status !== 'created');
  if (running.length === 0) return ok(undefined);
  const end = await engine.follow(['stop', ...running.map(({ id }) => id)], signal, () => {});
  return end.exitCode === 0 ? ok(undefined) : engine.refused(end);
}
