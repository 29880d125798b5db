import { fail, ok, type Result } from '../../model/result';
import type { Promoted } from '../environment';
import type { KeptRelease, PlatformPlace } from '../platform';
import type { ContainerEngine } from './engine';
import { safeName } from './containers';

/** What images that Deliver built or keeps are called: nothing else is ever removed. */
const namespace = 'deliver';

/** The image of a snapshot: built once, whichever environments it goes to. `build` is what it is built from, as a hash. */
export function builtImage(service: string, tree: string, build: string): string {
  return `${namespace}/${safeName(service)}:${tree.slice(0, 16)}-${build}`;
}

/** A name for an image that means this one for ever, and keeps the engine from tidying it away. */
export function pinnedImage(service: string, id: string): string {
  return `${namespace}/${safeName(service)}:${id.replace(/^sha256:/, '').slice(0, 16)}`;
}

/** Makes `reference` name the image again, where it does not. Fails where that is gone. */
export async function pin(engine: ContainerEngine, reference: string, id: string, signal: AbortSignal): Promise<Result<void>> {
  if ((await engine.imageId(reference, signal)) === id) return ok(undefined);
  const tagged = await engine.run(['tag', id, reference], signal);
  return tagged.ok ? tagged : fail('delivery', `its image ${id.slice(0, 19)} is not on this machine any more`);
}

/** The image of what is promoted, under a name of its own here. It is used as it is. */
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
      `${service} cannot be promoted from ${source} to ${environment}: ${source} is of the kind ${kind}, and made no container image`,
      {
        hint: 'promote from an environment of the kind compose or kubernetes, so that exactly what was verified is released',
      },
    );
  let id = await engine.imageId(image, signal);
  if (id === undefined && /[/@]/.test(image) && (await engine.pull(image, signal))) id = await engine.imageId(image, signal);
  if (id === undefined)
    return fail('delivery', `the image that was verified in ${source} is not on this machine any more: ${image}`, {
      hint: `deliver the commit to ${source} again`,
    });
  const name = pinnedImage(service, id);
  const pinned = await pin(engine, name, id, signal);
  return pinned.ok ? ok(name) : pinned;
}

/**
 * Takes the names that Deliver gave to images of releases that are gone. The engine removes an image when it has no
 * name left, and refuses while a container uses it.
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
    for (const name of names.filter((one) => one.startsWith(`${namespace}/`))) await engine.run(['image', 'rm', name], signal);
  }
}
