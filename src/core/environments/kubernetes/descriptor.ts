import { milliseconds } from '../../support/format';
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
  /** A path that the release must answer at its address. */
  readonly health?: { readonly path: string; readonly timeoutMs: number };
  /** Absent: a release fails if another manager has set one of its fields. */
  readonly conflicts?: 'take';
  readonly timeoutMs: number;
}

export const kubernetesEnvironment = describeEnvironment({
  kind: 'kubernetes',
  runs: 'an image',
  schema: ({ z, describe, exactlyOne, together, text, path, pathOrPaths, address, duration }) =>
    z
      .strictObject({
        context: text.check(describe('The kubectl context. It is required, so that the current context is never used by accident.')),
        namespace: z.optional(text).check(describe('The namespace. Default: the namespace of the context.')),
        manifests: z
          .optional(pathOrPaths)
          .check(describe('The files or folders to apply. A folder with a kustomization is built with it.')),
        chart: z.optional(path).check(describe('The folder of a Helm chart, instead of manifests.')),
        values: z.optional(pathOrPaths).check(describe('Files of values for the chart.')),
        workload: z
          .string()
          .check(
            z.regex(
              /^(deployment|statefulset|daemonset)\/[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/,
              'a workload is a kind and a name, like deployment/shop',
            ),
            describe('The workload to wait for, like deployment/shop.'),
          ),
        image: z
          .optional(
            z.union([text, z.strictObject({ file: path.check(describe('A file that a step writes the image to, by tag or digest.')) })]),
          )
          .check(
            describe('The image of the release, like registry.example.com/shop:${DELIVERY_COMMIT}. Default: the image in the manifests.'),
          ),
        url: z.optional(address).check(describe('The address of the service in this environment.')),
        health: z
          .optional(
            z.strictObject({
              path: z
                .string()
                .check(
                  z.regex(/^\//, 'a path of the service starts with /'),
                  describe('Healthy when a GET request of this path at the address of the service returns 2xx or 3xx.'),
                ),
              timeout: z.optional(duration).check(describe('The time limit for the address to answer. Default: 30s.')),
            }),
          )
          .check(describe('The health check at the address of the service, after the pods are ready.')),
        conflicts: z
          .optional(z.literal('take'))
          .check(describe('`take`: sets fields that another manager has set. Default: such a field fails the deployment.')),
        timeout: z.optional(duration).check(describe('The time limit for a release to become healthy. Default: 5m.')),
      })
      .check(
        exactlyOne(['manifests', 'chart'], 'kubernetes has either `manifests` or `chart`'),
        together('values', 'chart', '`values` goes with `chart`'),
        describe('Runs in Kubernetes, through kubectl.'),
        z.meta({ oneOf: [{ required: ['manifests'] }, { required: ['chart'] }], dependencies: { values: ['chart'] } }),
      ),
  parse: (
    { context, namespace, manifests, chart, values, workload, image, url, health, conflicts, timeout = '5m' },
    reader,
  ): KubernetesDefinition => ({
    context,
    namespace,
    ...(chart === undefined ? { manifests: reader.list(manifests) } : { chart: { folder: chart, values: reader.list(values) } }),
    workload,
    image,
    url,
    health: health && { path: health.path, timeoutMs: milliseconds(health.timeout ?? '30s') },
    conflicts,
    timeoutMs: milliseconds(timeout),
  }),
  loadPlatforms: async () => {
    const { KubernetesPlatform } = await import('./kubernetes-platform');
    // A platform knows from its watch that the cluster does not answer.
    const opened = new Map<string, InstanceType<typeof KubernetesPlatform>>();
    return {
      open: (settings, place) => {
        const key = JSON.stringify([settings, place]);
        const platform = opened.get(key) ?? new KubernetesPlatform(settings, place);
        opened.set(key, platform);
        return platform;
      },
    };
  },
});
