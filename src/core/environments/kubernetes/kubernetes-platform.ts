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
  releaseLabel,
} from '../platform';
import { assignedAddress, declaredAddress, waitForAddress } from './address';
import { type ChangeOptions, ReleaseChange } from './change';
import { checkNamespace, checkPermissions, namespaceOf } from './check';
import { desiredImage, imageOf, runningImage, withImage, withSameImage } from './image';
import { Kubectl, type KubectlFailure } from './kubectl';
import { mayBeGenerated, mayGainObjects, type Rendered, renderManifests } from './manifests';
import { type KubernetesObject, nameOf, type ObjectList, type Pod, withAnnotations, type Workload } from './objects';
import { observedServices, watchNamespace, watchReach, writeLogs } from './observe';
import { withOwner } from './prune';
import { readRecords, recordWith } from './release-record';
import { Rollout, RolloutDeadline } from './rollout';
import { annotations, isStopped, readWorkload, restoreScale, scaleToZero, takeDown, withReleaseAnnotations } from './workload';

/**
 * A Kubernetes cluster, through the user's own kubectl. Annotations of the workload and its pods identify the live release. Secrets of
 * the cluster keep the objects of the last releases, so that everybody can restore them. The secrets of a step are not copied to the
 * cluster: manifests refer to secrets that exist there.
 */
export class KubernetesPlatform implements Platform {
  private namespace: Promise<Result<string>> | undefined;
  /** Set while a watch finds that the cluster does not answer. */
  private unreachable: Result<never> | undefined;

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
    const objects = all.map((object) => {
      if (object === workload) return next;
      return withOwner(image.value === undefined ? object : withSameImage(object, image.value), this.place);
    });
    let url = declaredUrl;
    const change = new ReleaseChange(this.changeOptions(kubectl, log, signal), { release, url, objects }, false);
    const pods = await change.makeLive(async (isUpdate) => {
      if (url === '') url = await assignedAddress(kubectl, all, this.definition.health?.timeoutMs ?? 0, signal);
      return waitForAddress(url, this.definition.health, { isUpdate, log, signal });
    });
    if (!pods.ok) return pods;
    if (url !== '') log(`live at ${url}`);
    const requested = imageOf(next.spec.template, image.value);
    return ok({ url, details: { url }, image: requested && runningImage(requested, pods.value) });
  }

  async restore(to: KeptRelease, log: WriteLine, signal: AbortSignal): Promise<Result<{ readonly url: string }>> {
    const kubectl = await this.kubectl(`${markOf(to.release.id)}-restore`, signal);
    if (!kubectl.ok) return kubectl;
    const records = await new RolloutDeadline(this.definition.timeoutMs, signal, log).retry((abort) => readRecords(kubectl.value, abort));
    if (!records.ok) return records;
    const { service, environment } = this.place;
    const record = recordWith(
      records.value.filter((one) => one.service === service && one.environment === environment),
      to.release,
    );
    if (!record.ok) return record;
    const url = to.details['url'] ?? (record.value.url || (this.definition.url ?? ''));
    log(`restoring ${shortCommit(to.release.commit)} with all its objects`);
    const label = { [annotations.release]: releaseLabel(to.release) };
    const objects = record.value.objects.map((object) =>
      nameOf(object) === this.definition.workload ? { ...object, metadata: withAnnotations(object.metadata, label) } : object,
    );
    const change = new ReleaseChange(this.changeOptions(kubectl.value, log, signal), { ...record.value, objects }, true);
    const pods = await change.makeLive((isUpdate) => waitForAddress(url, undefined, { isUpdate, log, signal }));
    if (pods.ok) return ok({ url });
    return fail('delivery', `${shortCommit(to.release.commit)} could not be restored: ${pods.failure.message}`, {
      hint: pods.failure.hint,
    });
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

  async observe(live: KeptRelease | undefined, signal: AbortSignal): Promise<Result<readonly Observed[]>> {
    // A query would wait for its time limit.
    if (this.unreachable) return this.unreachable;
    const kubectl = await this.kubectl('observe', signal);
    if (!kubectl.ok) return kubectl;
    const kinds = 'deployments.apps,statefulsets.apps,daemonsets.apps,pods';
    const [all, records] = await Promise.all([
      kubectl.value.json<ObjectList<Workload | Pod>>(['get', kinds], { signal }),
      readRecords(kubectl.value, signal),
    ]);
    if (!all.ok) return all;
    // Without the right to read secrets, only the live releases are visible.
    if (!records.ok && records.reason !== 'forbidden') return records;
    const known = { ...this.place, workload: this.definition.workload, live: live?.release };
    return ok(observedServices(all.value.items ?? [], records.ok ? records.value : undefined, known));
  }

  async watch(changed: () => void, signal: AbortSignal): Promise<void> {
    const kubectl = await this.kubectl('watch', signal);
    if (!kubectl.ok) return;
    const reached = (failure?: KubectlFailure): void => {
      this.unreachable = failure?.reason === 'unreachable' ? failure : undefined;
      changed();
    };
    await Promise.all([watchNamespace(kubectl.value, changed, signal), watchReach(kubectl.value, reached, signal)]);
    this.unreachable = undefined;
  }

  async logs(live: KeptRelease, options: LogOptions, write: (bytes: Buffer) => void, signal: AbortSignal): Promise<Result<void>> {
    return this.withWorkload(markOf(live.release.id), signal, async (kubectl, workload) => {
      if (!workload) return fail('usage', `${this.definition.workload} is not in the cluster`);
      return writeLogs(kubectl, workload, options, write, signal);
    });
  }

  /** Does nothing: the cluster keeps the last releases for everybody. */
  async forget(): Promise<void> {}

  private changeOptions(kubectl: Kubectl, log: WriteLine, signal: AbortSignal): ChangeOptions {
    const { workload, timeoutMs, conflicts } = this.definition;
    return { kubectl, place: this.place, workload, timeoutMs, takesConflicts: conflicts === 'take', log, signal };
  }

  private async objects(
    folder: string,
    { place: { namespace = 'default', mark } }: Kubectl,
    signal: AbortSignal,
  ): Promise<Rendered<{ all: readonly KubernetesObject[]; workload: Workload }>> {
    const all = await renderManifests(this.definition, { service: this.place.service, namespace, folder, mark, signal });
    if (!all.ok) return all;
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
