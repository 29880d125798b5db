import type { Release } from '../../model/events';
import type { KubernetesDefinition } from './descriptor';
import { fail, ok, type Result } from '../../model/result';
import { shortCommit } from '../../support/format';
import type { LogOptions, WriteLine } from '../environment';
import {
  type KeptRelease,
  markOf,
  type Observed,
  type Platform,
  type PlatformDeploy,
  type PlatformDeployed,
  type PlatformPlace,
} from '../platform';
import { apply } from './apply';
import { checkNamespace, checkPermissions, namespaceOf } from './check';
import { liveRevision, readHistory, revisionWith } from './history';
import { desiredImage, imageOf, runningImage, withImage } from './image';
import { Kubectl } from './kubectl';
import { mayBeGenerated, mayGainObjects, type Rendered, renderManifests } from './manifests';
import type { KubernetesObject, ObjectList, Pod, Revision, Workload } from './objects';
import { observedServices, watchNamespace, writeLogs } from './observe';
import { Rollout, RolloutDeadline } from './rollout';
import {
  isLive,
  isStopped,
  isTakenDown,
  qualifiedName,
  readWorkload,
  restoreScale,
  scaleToZero,
  takeDown,
  withReleaseAnnotations,
} from './workload';

const neverAborted = new AbortController().signal;

/**
 * A Kubernetes cluster, through the user's own kubectl. Annotations of the workload and its pods identify the live release. The
 * revisions that the cluster keeps can be restored, including those that others delivered. The secrets of a step are not copied to
 * the cluster: manifests refer to secrets that exist there.
 */
export class KubernetesPlatform implements Platform {
  private namespace: Promise<Result<string>> | undefined;

  constructor(
    private readonly definition: KubernetesDefinition,
    private readonly place: PlatformPlace,
  ) {}

  async check(folder: string, signal: AbortSignal): Promise<Result<void>> {
    const kubectl = await this.kubectl('check', signal);
    if (!kubectl.ok) return kubectl;
    const objects = await this.objects(folder, kubectl.value, signal);
    if (!objects.ok && !objects.mayBeGenerated) return objects;
    const { namespace } = kubectl.value.place;
    // Objects that are generated later may create it.
    const makesNamespace =
      !objects.ok || objects.value.all.some(({ kind, metadata }) => kind === 'Namespace' && metadata.name === namespace);
    const allowed = await checkPermissions(kubectl.value, this.definition.workload, signal);
    if (!allowed.ok || makesNamespace) return allowed;
    return checkNamespace(kubectl.value, signal);
  }

  async deploy(request: PlatformDeploy, log: WriteLine, signal: AbortSignal): Promise<Result<PlatformDeployed>> {
    const { release } = request;
    const opened = await this.kubectl(markOf(release.id), signal);
    if (!opened.ok) return opened;
    const kubectl = opened.value;
    const image = desiredImage(this.definition, request);
    if (!image.ok) return image;
    const rendered = await this.objects(request.folder, kubectl, signal);
    if (!rendered.ok) return rendered;
    const { all, workload } = rendered.value;
    const set = image.value === undefined ? ok(workload) : withImage(workload, image.value);
    if (!set.ok) return set;
    const declaredUrl = this.definition.url ?? declaredAddress(all);
    const { service, environment } = this.place;
    const next = withReleaseAnnotations(set.value, { service, environment, release, url: declaredUrl });
    if (Object.keys(request.secrets).length > 0)
      log('the secrets of this step are not copied to the cluster: its manifests must refer to secrets that exist there');

    const deadline = new RolloutDeadline(this.definition.timeoutMs, signal, log);
    const before = await deadline.retry((abort) => readWorkload(kubectl, this.definition.workload, abort));
    if (!before.ok) return before;
    const history = before.value ? await readHistory(kubectl, before.value, signal) : ok([]);
    if (!history.ok) return history;
    const previousRevision = before.value && liveRevision(history.value, before.value);
    const rollout = new Rollout(kubectl, this.definition.workload, log, deadline);
    const pods = await rollout.after(async () => {
      const objects = all.map((object) => (object === workload ? next : object));
      const applied = await apply(kubectl, objects, log, deadline);
      if (!applied.ok || !before.value) return applied;
      return restoreScale(kubectl, this.definition.workload, before.value, signal, next.spec.replicas);
    });
    if (!pods.ok) {
      const restored = await this.restorePrevious(kubectl, release, before.value, previousRevision, log);
      return restored.ok ? pods : fail('delivery', `${pods.failure.message}; ${restored.failure.message}`);
    }
    const url = declaredUrl === '' ? await assignedAddress(kubectl, all, signal) : declaredUrl;
    if (url !== '') log(`live at ${url}`);
    const requested = imageOf(next.spec.template, image.value);
    return ok({ url, details: { url }, image: requested && runningImage(requested, pods.value) });
  }

  async restore(to: KeptRelease, log: WriteLine, signal: AbortSignal): Promise<Result<{ readonly url: string }>> {
    const kubectl = await this.kubectl(`${markOf(to.release.id)}-restore`, signal);
    if (!kubectl.ok) return kubectl;
    const deadline = new RolloutDeadline(this.definition.timeoutMs, signal, log);
    const { workload: name } = this.definition;
    const live = await readWorkload(kubectl.value, name, signal);
    if (!live.ok) return live;
    if (!live.value) return fail('delivery', `${name} no longer exists in the cluster`, { hint: 'deliver it again' });
    const history = await readHistory(kubectl.value, live.value, signal);
    if (!history.ok) return history;
    const revision = revisionWith(history.value, to.release);
    if (!revision.ok) return revision;
    const before = liveRevision(history.value, live.value);
    const undone = await this.undo(kubectl.value, live.value, revision.value, log, deadline);
    const url = to.details['url'] ?? this.definition.url ?? '';
    if (undone.ok) return ok({ url });
    const shown = `${shortCommit(to.release.commit)} could not be restored: ${undone.failure.message}`;
    if (isLive(live.value, to.release.id) || before === undefined) return fail('delivery', shown);
    log(`${shown}; restoring the live release`);
    const restored = await this.restorePrevious(kubectl.value, to.release, live.value, before, log);
    return fail('delivery', restored.ok ? `${shown}; the live release is unchanged` : `${shown}; ${restored.failure.message}`);
  }

  async takeDown(live: KeptRelease, log: WriteLine, signal: AbortSignal): Promise<Result<void>> {
    return this.withWorkload(markOf(live.release.id), signal, async (kubectl, workload) => {
      return workload ? takeDown(kubectl, this.definition.workload, workload, log, signal) : ok(undefined);
    });
  }

  async stop(live: KeptRelease, signal: AbortSignal): Promise<Result<void>> {
    return this.withWorkload(markOf(live.release.id), signal, async (kubectl, workload) => {
      if (!workload || isStopped(workload)) return ok(undefined);
      return scaleToZero(kubectl, this.definition.workload, workload, signal);
    });
  }

  async start(live: KeptRelease, signal: AbortSignal): Promise<Result<void>> {
    const { workload: name, timeoutMs } = this.definition;
    return this.withWorkload(markOf(live.release.id), signal, async (kubectl, workload) => {
      if (!workload) return fail('delivery', `${name} no longer exists in the cluster`, { hint: 'deliver it again' });
      const quiet = (): void => {};
      const rollout = new Rollout(kubectl, name, quiet, new RolloutDeadline(timeoutMs, signal, quiet));
      const pods = await rollout.after(() => restoreScale(kubectl, name, workload, signal));
      return pods.ok ? ok(undefined) : pods;
    });
  }

  async observe(_: KeptRelease | undefined, signal: AbortSignal): Promise<Result<readonly Observed[]>> {
    const kubectl = await this.kubectl('observe', signal);
    if (!kubectl.ok) return kubectl;
    const kinds = 'deployments.apps,statefulsets.apps,daemonsets.apps,replicasets.apps,controllerrevisions.apps,pods';
    const all = await kubectl.value.json<ObjectList<Workload | Pod | Revision>>(['get', kinds], { signal });
    return all.ok ? ok(observedServices(all.value.items ?? [], this.place.environment)) : all;
  }

  async watch(changed: () => void, signal: AbortSignal): Promise<void> {
    const kubectl = await this.kubectl('watch', signal);
    if (kubectl.ok) await watchNamespace(kubectl.value, changed, signal);
  }

  async logs(live: KeptRelease, options: LogOptions, write: (bytes: Buffer) => void, signal: AbortSignal): Promise<Result<void>> {
    return this.withWorkload(markOf(live.release.id), signal, async (kubectl, workload) => {
      if (!workload) return fail('usage', `${this.definition.workload} is not in the cluster`);
      return writeLogs(kubectl, workload, options, write, signal);
    });
  }

  /** Does nothing: `revisionHistoryLimit` determines how many revisions the cluster keeps. */
  async forget(): Promise<void> {}

  /** Restores the former release after a failed rollout, or takes the workload down if there was none. */
  private async restorePrevious(
    kubectl: Kubectl,
    failed: Release,
    before: Workload | undefined,
    revision: number | undefined,
    log: WriteLine,
  ): Promise<Result<void>> {
    // A cancel must not stop the rollback.
    const deadline = new RolloutDeadline(this.definition.timeoutMs, neverAborted, log);
    const { workload: name } = this.definition;
    const now = await deadline.retry((signal) => readWorkload(kubectl, name, signal));
    if (!now.ok) return fail('delivery', `the previous release could not be restored: ${now.failure.message}`);
    if (!now.value) return ok(undefined);
    if (!isLive(now.value, failed.id)) return ok(undefined); // it was not applied, or another delivery has replaced it
    if (!before || revision === undefined || isTakenDown(before)) return takeDown(kubectl, name, now.value, log, neverAborted);
    const restored = await this.undo(kubectl, now.value, revision, log, deadline);
    if (!restored.ok) return fail('delivery', `the previous release could not be restored: ${restored.failure.message}`);
    return isStopped(before) ? scaleToZero(kubectl, name, before, neverAborted) : ok(undefined);
  }

  /** Rolls back to a revision and resolves when its pods are ready. */
  private async undo(kubectl: Kubectl, live: Workload, revision: number, log: WriteLine, deadline: RolloutDeadline): Promise<Result<void>> {
    const { workload: name } = this.definition;
    log(`rolling back ${name} to revision ${revision}; config maps, services and other objects stay as last applied`);
    const pods = await new Rollout(kubectl, name, log, deadline).after(async () => {
      const undone = await deadline.retry((signal) =>
        kubectl.text(['rollout', 'undo', qualifiedName(name), `--to-revision=${revision}`], { signal, stdout: log }),
      );
      return undone.ok ? restoreScale(kubectl, name, live, deadline.signal) : undone;
    });
    return pods.ok ? ok(undefined) : pods;
  }

  private async objects(
    folder: string,
    { place: { namespace = 'default', mark } }: Kubectl,
    signal: AbortSignal,
  ): Promise<Rendered<{ all: readonly KubernetesObject[]; workload: Workload }>> {
    const all = await renderManifests(this.definition, { service: this.place.service, namespace, folder, mark, signal });
    if (!all.ok) return all;
    const nameOf = ({ kind, metadata }: KubernetesObject): string => `${kind.toLowerCase()}/${metadata.name}`;
    const workload = all.value.find((object) => nameOf(object) === this.definition.workload) as Workload | undefined;
    if (!workload?.spec?.template) {
      const available = all.value.map(nameOf).join(', ');
      const none = fail('usage', `the manifests contain no ${this.definition.workload}`, {
        hint: available === '' ? 'they are empty' : `they contain ${available}`,
      });
      return mayGainObjects(this.definition, folder) ? mayBeGenerated(none) : none;
    }
    if (workload.metadata.namespace !== undefined && workload.metadata.namespace !== namespace)
      return fail(
        'usage',
        `${this.definition.workload} is in the namespace ${workload.metadata.namespace}, but ${this.place.environment} uses ${namespace}`,
        {
          hint: 'set `namespace` to it, or remove it from the manifest',
        },
      );
    return ok({ all: all.value, workload });
  }

  private async withWorkload(
    mark: string,
    signal: AbortSignal,
    act: (kubectl: Kubectl, workload: Workload | undefined) => Promise<Result<void>>,
  ): Promise<Result<void>> {
    const kubectl = await this.kubectl(mark, signal);
    if (!kubectl.ok) return kubectl;
    const workload = await readWorkload(kubectl.value, this.definition.workload, signal);
    return workload.ok ? act(kubectl.value, workload.value) : workload;
  }

  private async kubectl(mark: string, signal: AbortSignal): Promise<Result<Kubectl>> {
    const { context } = this.definition;
    const place = { context, folder: this.place.folder, mark };
    this.namespace ??= namespaceOf(new Kubectl(place), signal);
    const inContext = await this.namespace;
    if (!inContext.ok) {
      this.namespace = undefined;
      return inContext;
    }
    return ok(new Kubectl({ ...place, namespace: this.definition.namespace ?? inContext.value }));
  }
}

interface Ingress extends KubernetesObject {
  readonly spec?: { readonly rules?: readonly { readonly host?: string }[]; readonly tls?: readonly unknown[] };
}
interface Service extends KubernetesObject {
  readonly spec?: { readonly type?: string; readonly ports?: readonly { readonly port?: number }[] };
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[] } };
}

/** Returns the first host of an Ingress in the manifests, or an empty string. */
export function declaredAddress(objects: readonly KubernetesObject[]): string {
  for (const { spec } of objects.filter(({ kind }) => kind === 'Ingress') as Ingress[]) {
    const host = spec?.rules?.find((rule) => rule.host !== undefined && !rule.host.includes('*'))?.host;
    if (host !== undefined) return `${spec?.tls?.length ? 'https' : 'http'}://${host}`;
  }
  return '';
}

/** Returns the address that the cluster assigned to a Service of the type LoadBalancer, or an empty string. */
export async function assignedAddress(kubectl: Kubectl, objects: readonly KubernetesObject[], signal: AbortSignal): Promise<string> {
  const named = (objects as Service[]).find(({ kind, spec }) => kind === 'Service' && spec?.type === 'LoadBalancer');
  if (!named) return '';
  const service = await kubectl.json<Service>(['get', `services/${named.metadata.name}`], { signal });
  if (!service.ok) return '';
  const { ip, hostname } = service.value.status?.loadBalancer?.ingress?.[0] ?? {};
  const host = hostname ?? (ip?.includes(':') ? `[${ip}]` : ip);
  const port = service.value.spec?.ports?.[0]?.port ?? 80;
  return host === undefined ? '' : port === 443 ? `https://${host}` : `http://${host}${port === 80 ? '' : `:${port}`}`;
}
