import { milliseconds } from '../../support/duration';
import { describeEnvironment } from '../descriptor';

export interface KubernetesDefinition {
  readonly context: string;
  readonly namespace?: string;
  /** Exactly one of `manifests` (files, folders or globs) and `chart`, relative to the service's folder. */
  readonly manifests?: readonly string[];
  readonly chart?: { readonly folder: string; readonly values: readonly string[] };
  /** A kind and a name, like `deployment/shop`. */
  readonly workload: string;
  /** A reference that may hold `${DELIVERY_COMMIT}` and the like, or the file that a step wrote it to. */
  readonly image?: string | { readonly file: string };
  readonly url?: string;
  readonly timeoutMs: number;
}

export const kubernetesEnvironment = describeEnvironment({
  kind: 'kubernetes',
  runs: 'an image',
  schema: ({ z, describe, exactlyOne, together, text, path, pathOrPaths, address, duration }) =>
    z
      .strictObject({
        context: text.check(describe('The context of kubectl. It is always named: never the current one by accident.')),
        namespace: z.optional(text).check(describe('The namespace. Default: that of the context.')),
        manifests: z
          .optional(pathOrPaths)
          .check(describe('The files or folders that are applied; one with a kustomization is built with it.')),
        chart: z.optional(path).check(describe('The folder of a Helm chart, instead of manifests.')),
        values: z.optional(pathOrPaths).check(describe('Files of values for the chart.')),
        workload: z
          .string()
          .check(
            z.regex(
              /^(deployment|statefulset|daemonset)\/[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/,
              'a workload is a kind and a name, like deployment/shop',
            ),
            describe('The workload whose rollout is waited for, like deployment/shop.'),
          ),
        image: z
          .optional(
            z.union([text, z.strictObject({ file: path.check(describe('A file that a step writes the image to, by tag or digest.')) })]),
          )
          .check(describe('The image of the release, like registry.example.com/shop:${DELIVERY_COMMIT}. Default: what the manifests say.')),
        url: z.optional(address).check(describe('The address of the service in this environment.')),
        timeout: z.optional(duration).check(describe('How long a release may take to become healthy. Default: 5m.')),
      })
      .check(
        exactlyOne(['manifests', 'chart'], 'kubernetes has either `manifests` or `chart`'),
        together('values', 'chart', '`values` goes with `chart`'),
        describe('Runs in Kubernetes, through kubectl.'),
        z.meta({ oneOf: [{ required: ['manifests'] }, { required: ['chart'] }], dependencies: { values: ['chart'] } }),
      ),
  parse: ({ context, namespace, manifests, chart, values, workload, image, url, timeout = '5m' }, reader): KubernetesDefinition => ({
    context,
    namespace,
    ...(chart === undefined ? { manifests: reader.list(manifests) } : { chart: { folder: chart, values: reader.list(values) } }),
    workload,
    image,
    url,
    timeoutMs: milliseconds(timeout),
  }),
  loadPlatforms: async () => {
    const { KubernetesPlatform } = await import('./kubernetes-platform');
    return { open: (settings, place) => new KubernetesPlatform(settings, place) };
  },
});
