import { fail, ok, type Result } from '../../model/result';
import type { Promoted } from '../environment';
import type { KeptRelease, PlatformPlace } from '../platform';
import { safeName } from './containers';
import type { ContainerEngine } from './engine';

/** The namespace of images that Deliver built or keeps. Deliver removes no other images. */
const namespace = 'deliver';

/** Returns the name of the image of a snapshot, the same in all environments. `build` is the hash of the build section. */
export function builtImage(service: string, tree: string, build: string): string {
  return `${namespace}/${safeName(service)}:${tree.slice(0, 16)}-${build}`;
}

/** Returns a permanent name for an image. It keeps the engine from pruning the image. */
export function pinnedImage(service: string, id: string): string {
  return `${namespace}/${safeName(service)}:${id.replace(/^sha256:/, '').slice(0, 16)}`;
}

/** Lets `reference` name the image. Fails if the image no longer exists. */
export async function pin(engine: ContainerEngine, reference: string, id: string, signal: AbortSignal): Promise<Result<void>> {
  if ((await engine.imageId(reference, signal)) === id) return ok(undefined);
  const tagged = await engine.run(['tag', id, reference], signal);
  return tagged.ok ? tagged : fail('delivery', `its image ${id.slice(0, 19)} is no longer on this machine`);
}

/** Gives the image of the promoted release a permanent name, and pulls it if necessary. */
export async function promotedImage(
  engine: ContainerEngine,
  { service, environment }: PlatformPlace,
  { kind, artifact, environment: source }: Promoted,
  signal: AbortSignal,
): Promise<Result<string>> {
  const { image } = artifact;
  if (image === undefined)
    return fail(
      'usage',
      `${service} cannot be promoted from ${source} to ${environment}: ${source} is of the kind ${kind}, which builds no container image`,
      {
        hint: 'promote from an environment of the kind compose or kubernetes, so that the verified image is released',
      },
    );
  let id = await engine.imageId(image, signal);
  if (id === undefined && /[/@]/.test(image) && (await engine.pull(image, signal))) id = await engine.imageId(image, signal);
  if (id === undefined)
    return fail('delivery', `the image that was verified in ${source} is no longer on this machine: ${image}`, {
      hint: `deliver the commit to ${source} again`,
    });
  const name = pinnedImage(service, id);
  const pinned = await pin(engine, name, id, signal);
  return pinned.ok ? ok(name) : pinned;
}

/**
 * Removes the names that Deliver gave to images of forgotten releases. The engine deletes an image without names, unless a container
 * uses it.
 */
export async function forgetImages(
  engine: ContainerEngine,
  images: readonly (string | undefined)[],
  kept: readonly KeptRelease[],
  signal: AbortSignal,
): Promise<void> {
  const needed = new Set(kept.map(({ image }) => image));
  const free = [...new Set(images)].filter((image): image is string => image !== undefined && !needed.has(image));
  for (const image of free) {
    const { names } = await engine.inspectImage(image, signal);
    for (const name of names.filter((alias) => alias.startsWith(`${namespace}/`))) await engine.run(['image', 'rm', name], signal);
  }
}
