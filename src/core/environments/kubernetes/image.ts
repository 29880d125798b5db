import * as fs from 'node:fs';
import * as path from 'node:path';
import { fail, ok, type Result } from '../../model/result';
import type { KubernetesDefinition } from './descriptor';
import type { PlatformDeploy } from '../platform';
import type { ContainerSpec, Pod, PodTemplate, Workload } from './objects';

/** The image that a release is to run; `undefined`: what the manifests say. */
export function wantedImage({ image }: KubernetesDefinition, request: PlatformDeploy): Result<string | undefined> {
  const { promotes, release, service, folder } = request;
  if (promotes) {
    const verified = promotes.artifact.image;
    if (verified === undefined)
      return fail('usage', `what was verified in ${promotes.environment} is no image, and a cluster runs nothing else`, {
        hint: `build an image for ${promotes.environment} as well, with an environment of the kind compose or kubernetes`,
      });
    if (verified.startsWith('sha256:'))
      return fail('usage', `the image that was verified in ${promotes.environment} is only on this machine`, {
        hint: 'push it to a registry that the cluster reads, and name it in `image`',
      });
    return ok(verified);
  }
  if (image === undefined) return ok(undefined);
  if (typeof image === 'string') {
    const values: Record<string, string> = { DELIVERY_COMMIT: release.commit, DELIVERY_TREE: release.tree, DELIVERY_SERVICE: service };
    return checked(
      image.replace(/\$\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole),
      '`image`',
    );
  }
  let text: string;
  try {
    text = fs.readFileSync(path.resolve(folder, image.file), 'utf8');
  } catch {
    return fail('delivery', `${image.file} is not there, which a step should have written the image to`, {
      hint: 'let the step that pushes the image write its name there, and let this step need that one',
    });
  }
  return checked(text.trim(), image.file);
}

function checked(image: string, from: string): Result<string> {
  if (/^[\w.\-/:@]+$/.test(image) && !image.startsWith('-')) return ok(image);
  return fail('usage', `${from} is no name of an image: ${JSON.stringify(image.slice(0, 100))}`, {
    hint: 'it is like registry.example.com/shop:1.2 or registry.example.com/shop@sha256:…',
  });
}

/** The workload with the image in every container that runs another version of it, or in its only container. */
export function withImage(workload: Workload, image: string): Result<Workload> {
  const { template } = workload.spec;
  const containers = template.spec?.containers ?? [];
  const initial = template.spec?.initContainers ?? [];
  const isMeant = ({ image: other }: ContainerSpec): boolean => other !== undefined && repositoryOf(other) === repositoryOf(image);
  const isOnly = containers.length === 1 && !initial.some(isMeant);
  if (!isOnly && ![...containers, ...initial].some(isMeant)) {
    const there = [...containers, ...initial].map((one) => `${one.name} runs ${one.image ?? 'no image'}`).join(', ');
    return fail('usage', `no container of the workload runs ${repositoryOf(image)}: ${there || 'it has none'}`, {
      hint: 'give the container in the manifest an image of this repository',
    });
  }
  const replaced = (one: ContainerSpec): ContainerSpec => (isOnly || isMeant(one) ? { ...one, image } : one);
  const spec: NonNullable<PodTemplate['spec']> = {
    ...template.spec,
    containers: containers.map(replaced),
    ...(initial.length > 0 && { initContainers: initial.map((one) => (isMeant(one) ? { ...one, image } : one)) }),
  };
  return ok({ ...workload, spec: { ...workload.spec, template: { ...template, spec } } });
}

/** The name of an image without its version, in full. */
export function repositoryOf(image: string): string {
  const [name = ''] = image.split('@');
  const untagged = name.replace(/:[^:/]*$/, '');
  const [first = '', ...rest] = untagged.split('/');
  if (rest.length === 0) return `docker.io/library/${first}`;
  return /[.:]|^localhost$/.test(first) ? untagged.replace(/^index\.docker\.io\//, 'docker.io/') : `docker.io/${untagged}`;
}

/** The reference that means the running image for ever, as the nodes resolved it; else the name that was asked for. */
export function runningImage(asked: string, pods: readonly Pod[]): string {
  if (asked.includes('@sha256:')) return asked;
  const [name = ''] = asked.split('@');
  for (const { image, imageID = '' } of pods.flatMap((pod) => pod.status?.containerStatuses ?? [])) {
    // What has no repository before its digest was never in a registry: nobody could pull it.
    const digest = /\/[^@]*@(sha256:[0-9a-f]{64})$/.exec(imageID)?.[1] ?? /^[^/@]+@(sha256:[0-9a-f]{64})$/.exec(imageID)?.[1];
    if (digest !== undefined && image !== undefined && repositoryOf(image) === repositoryOf(asked))
      return `${name.replace(/:[^:/]*$/, '')}@${digest}`;
  }
  return asked;
}

/** The image of the container that a release is about: the one that was set, else the first. */
export function imageOf(template: PodTemplate | undefined, wanted: string | undefined): string | undefined {
  return wanted ?? template?.spec?.containers?.[0]?.image;
}
