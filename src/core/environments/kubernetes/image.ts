import * as fs from 'node:fs';
import * as path from 'node:path';
import type { KubernetesDefinition } from './descriptor';
import { fail, ok, type Result } from '../../model/result';
import type { PlatformDeploy } from '../platform';
import type { ContainerSpec, KubernetesObject, Pod, PodTemplate, Workload } from './objects';

/** Returns the image of a release, or undefined if the manifests name it. */
export function desiredImage({ image }: KubernetesDefinition, request: PlatformDeploy): Result<string | undefined> {
  const { promotes, release, service, folder } = request;
  if (promotes) {
    const verified = promotes.artifact.image;
    if (verified === undefined)
      return fail(
        'usage',
        `the release that was verified in ${promotes.environment} has no container image, and a cluster runs only images`,
        {
          hint: `change the kind of ${promotes.environment} to compose or kubernetes`,
        },
      );
    if (verified.startsWith('sha256:'))
      return fail('usage', `the image that was verified in ${promotes.environment} is only on this machine`, {
        hint: 'push it to a registry that the cluster can read, and name it in `image`',
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
    return fail('delivery', `${image.file} does not exist: a step must write the name of the image to it`, {
      hint: 'write it in the step that pushes the image, and add that step to `needs`',
    });
  }
  return checked(text.trim(), image.file);
}

function checked(image: string, from: string): Result<string> {
  if (/^[\w.\-/:@]+$/.test(image) && !image.startsWith('-')) return ok(image);
  return fail('usage', `${from} is not an image name: ${JSON.stringify(image.slice(0, 100))}`, {
    hint: 'write it like registry.example.com/shop:1.2 or registry.example.com/shop@sha256:…',
  });
}

/** Sets the image in every container that runs another version of it, or in the only container. */
export function withImage(workload: Workload, image: string): Result<Workload> {
  const { template } = workload.spec;
  const containers = template.spec?.containers ?? [];
  const initial = template.spec?.initContainers ?? [];
  const hasSameRepository = ({ image: other }: ContainerSpec): boolean =>
    other !== undefined && repositoryOf(other) === repositoryOf(image);
  const isOnly = containers.length === 1 && !initial.some(hasSameRepository);
  if (!isOnly && ![...containers, ...initial].some(hasSameRepository)) {
    const running = [...containers, ...initial].map((container) => `${container.name} runs ${container.image ?? 'no image'}`).join(', ');
    return fail('usage', `no container of the workload runs ${repositoryOf(image)}: ${running || 'it has no containers'}`, {
      hint: 'give the container in the manifest an image of this repository',
    });
  }
  return ok({ ...workload, spec: { ...workload.spec, template: replaceImages(template, image, isOnly) } });
}

/** Sets the image in the containers of another object that run another version of it, such as a job that migrates data. */
export function withSameImage(object: KubernetesObject, image: string): KubernetesObject {
  const { spec } = object as {
    readonly spec?: { readonly template?: PodTemplate; readonly jobTemplate?: { spec?: { template?: PodTemplate } } };
  };
  if (spec?.template?.spec?.containers)
    return { ...object, spec: { ...spec, template: replaceImages(spec.template, image, false) } } as KubernetesObject;
  const inner = spec?.jobTemplate?.spec;
  if (!inner?.template?.spec?.containers) return object;
  const jobTemplate = { ...spec?.jobTemplate, spec: { ...inner, template: replaceImages(inner.template, image, false) } };
  return { ...object, spec: { ...spec, jobTemplate } } as KubernetesObject;
}

function replaceImages(template: PodTemplate, image: string, isOnly: boolean): PodTemplate {
  const replaced = (container: ContainerSpec): ContainerSpec =>
    isOnly || (container.image !== undefined && repositoryOf(container.image) === repositoryOf(image))
      ? { ...container, image }
      : container;
  const initContainers = template.spec?.initContainers?.map((container) =>
    container.image !== undefined && repositoryOf(container.image) === repositoryOf(image) ? { ...container, image } : container,
  );
  return {
    ...template,
    spec: { ...template.spec, containers: (template.spec?.containers ?? []).map(replaced), ...(initContainers && { initContainers }) },
  };
}

/** Returns the full name of an image without its version. */
export function repositoryOf(image: string): string {
  const [name = ''] = image.split('@');
  const untagged = name.replace(/:[^:/]*$/, '');
  const [first = '', ...rest] = untagged.split('/');
  if (rest.length === 0) return `docker.io/library/${first}`;
  return /[.:]|^localhost$/.test(first) ? untagged.replace(/^index\.docker\.io\//, 'docker.io/') : `docker.io/${untagged}`;
}

/** Returns the digest reference of the running image as the nodes resolved it, else `requested`. */
export function runningImage(requested: string, pods: readonly Pod[]): string {
  if (requested.includes('@sha256:')) return requested;
  const [name = ''] = requested.split('@');
  for (const { image, imageID = '' } of pods.flatMap((pod) => pod.status?.containerStatuses ?? [])) {
    // An image without a repository in its id was never in a registry and cannot be pulled.
    const digest = /\/[^@]*@(sha256:[0-9a-f]{64})$/.exec(imageID)?.[1] ?? /^[^/@]+@(sha256:[0-9a-f]{64})$/.exec(imageID)?.[1];
    if (digest !== undefined && image !== undefined && repositoryOf(image) === repositoryOf(requested))
      return `${name.replace(/:[^:/]*$/, '')}@${digest}`;
  }
  return requested;
}

/** Returns the image that was set, else the one of the first container. */
export function imageOf(template: PodTemplate | undefined, wanted: string | undefined): string | undefined {
  return wanted ?? template?.spec?.containers?.[0]?.image;
}
