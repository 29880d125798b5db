import { fail, ok, type Result } from '../../model/result';
import type { KubernetesDefinition } from './descriptor';
import type { Release } from '../../model/events';
import type { LogOptions, Say } from '../environment';
import {
  markOf,
  type KeptRelease,
  type Observed,
  type Platform,
  type PlatformDeploy,
  type PlatformDeployed,
  type PlatformPlace,
} from '../platform';
import { givenAddress, promisedAddress } from './address';
import { annotated } from './annotations';
import { apply } from './apply';
import { hasNamespace, mayDeliver, namespaceOf } from './check';
import { liveRevision, readHistory, revisionWith } from './history';
import { imageOf, runningImage, wantedImage, withImage } from './image';
import { Kubectl } from './kubectl';
import { mayCome, mayGrow, renderManifests, type Rendered } from './manifests';
import type { KubernetesObject, ObjectList, Pod, Revision, Workload } from './objects';
import { observedIn } from './observed';
import { Patience } from './rollout-deadline';
import { writeLogs } from './pod-logs';
import { Rollout } from './rollout';
import { isStopped, isTakenDown, scaleBack, scaleToNothing } from './scale';
import { takeDown } from './take-down';
import { watchNamespace } from './watch-namespace';
import { isLive, qualified, readWorkload } from './workload';

const ended = new AbortController().signal;

/**
 * A cluster, through the user's own kubectl. What is live is told by annotations of the workload and of its pods; the
 * revisions that the cluster keeps are the releases that can be brought back, whoever delivered them. A step's secrets
 * are not put into the cluster: its manifests name the secrets that are there.
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
    if (!objects.ok && !objects.mayCome) return objects;
    const { namespace } = kubectl.value.place;
    // What is not there yet may make it.
    const makesNamespace =
      !objects.ok || objects.value.all.some(({ kind, metadata }) => kind === 'Namespace' && metadata.name === namespace);
    const allowed = await mayDeliver(kubectl.value, this.definition.workload, signal);
    if (!allowed.ok || makesNamespace) return allowed;
    return hasNamespace(kubectl.value, signal);
  }

  async deploy(request: PlatformDeploy, log: Say, signal: AbortSignal): Promise<Result<PlatformDeployed>> {
    const { release } = request;
    const opened = await this.kubectl(markOf(release.id), signal);
    if (!opened.ok) return opened;
    const kubectl = opened.value;
    const image = wantedImage(this.definition, request);
    if (!image.ok) return image;
    const rendered = await this.objects(request.folder, kubectl, signal);
    if (!rendered.ok) return rendered;
    const { all, workload } = rendered.value;
    const set = image.value === undefined ? ok(workload) : withImage(workload, image.value);
    if (!set.ok) return set;
    const promised = this.definition.url ?? promisedAddress(all);
    const { service, environment } = this.place;
    const next = annotated(set.value, { service, environment, release, url: promised });
    if (Object.keys(request.secrets).length > 0)
      log('the secrets of this step are not put into the cluster: the manifests name those that are there');

    const patience = new Patience(this.definition.timeoutMs, signal, log);
    const before = await patience.ask((asked) => readWorkload(kubectl, this.definition.workload, asked));
    if (!before.ok) return before;
    const history = before.value ? await readHistory(kubectl, before.value, signal) : ok([]);
    if (!history.ok) return history;
    const former = before.value && liveRevision(history.value, before.value);
    const rollout = new Rollout(kubectl, this.definition.workload, log, patience);
    const pods = await rollout.after(async () => {
      const objects = all.map((one) => (one === workload ? next : one));
      const applied = await apply(kubectl, objects, log, patience);
      if (!applied.ok || !before.value) return applied;
      return scaleBack(kubectl, this.definition.workload, before.value, signal, next.spec.replicas);
    });
    if (!pods.ok) {
      const back = await this.giveBack(kubectl, release, before.value, former, log);
      return back.ok ? pods : fail('delivery', `${pods.failure.message}; and ${back.failure.message}`);
    }
    const url = promised === '' ? await givenAddress(kubectl, all, signal) : promised;
    if (url !== '') log(`live at ${url}`);
    const asked = imageOf(next.spec.template, image.value);
    return ok({ url, details: { url }, ...(asked !== undefined && { image: runningImage(asked, pods.value) }) });
  }

  async restore(to: KeptRelease, log: Say, signal: AbortSignal): Promise<Result<{ readonly url: string }>> {
    const kubectl = await this.kubectl(`${markOf(to.release.id)}-restore`, signal);
    if (!kubectl.ok) return kubectl;
    const patience = new Patience(this.definition.timeoutMs, signal, log);
    const { workload: name } = this.definition;
    const live = await readWorkload(kubectl.value, name, signal);
    if (!live.ok) return live;
    if (!live.value) return fail('delivery', `${name} is not in the cluster any more`, { hint: 'deliver it again' });
    const history = await readHistory(kubectl.value, live.value, signal);
    if (!history.ok) return history;
    const revision = revisionWith(history.value, to.release);
    if (!revision.ok) return revision;
    const before = liveRevision(history.value, live.value);
    const back = await this.undo(kubectl.value, live.value, revision.value, log, patience);
    const url = to.details['url'] ?? this.definition.url ?? '';
    if (back.ok) return ok({ url });
    const shown = `${to.release.commit.slice(0, 8)} could not be brought back: ${back.failure.message}`;
    if (isLive(live.value, to.release.id) || before === undefined) return fail('delivery', shown);
    log(`${shown}; what was live is brought back`);
    const again = await this.giveBack(kubectl.value, to.release, live.value, before, log);
    return fail('delivery', again.ok ? `${shown}; what was live stays` : `${shown}; and ${again.failure.message}`);
  }

  async takeDown(live: KeptRelease, log: Say, signal: AbortSignal): Promise<Result<void>> {
    return this.withWorkload(markOf(live.release.id), signal, async (kubectl, workload) => {
      return workload ? takeDown(kubectl, this.definition.workload, workload, log, signal) : ok(undefined);
    });
  }

  async stop(live: KeptRelease, signal: AbortSignal): Promise<Result<void>> {
    return this.withWorkload(markOf(live.release.id), signal, async (kubectl, workload) => {
      if (!workload || isStopped(workload)) return ok(undefined);
      return scaleToNothing(kubectl, this.definition.workload, workload, signal);
    });
  }

  async start(live: KeptRelease, signal: AbortSignal): Promise<Result<void>> {
    const { workload: name, timeoutMs } = this.definition;
    return this.withWorkload(markOf(live.release.id), signal, async (kubectl, workload) => {
      if (!workload) return fail('delivery', `${name} is not in the cluster any more`, { hint: 'deliver it again' });
      const quiet = (): void => {};
      const rollout = new Rollout(kubectl, name, quiet, new Patience(timeoutMs, signal, quiet));
      const pods = await rollout.after(() => scaleBack(kubectl, name, workload, signal));
      return pods.ok ? ok(undefined) : pods;
    });
  }

  async observe(_: KeptRelease | undefined, signal: AbortSignal): Promise<Result<readonly Observed[]>> {
    const kubectl = await this.kubectl('observe', signal);
    if (!kubectl.ok) return kubectl;
    const kinds = 'deployments.apps,statefulsets.apps,daemonsets.apps,replicasets.apps,controllerrevisions.apps,pods';
    const all = await kubectl.value.json<ObjectList<Workload | Pod | Revision>>(['get', kinds], { signal });
    return all.ok ? ok(observedIn(all.value.items ?? [], this.place.environment)) : all;
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

  /** The cluster keeps what it keeps: `revisionHistoryLimit` says how much. */
  async forget(): Promise<void> {}

  /** After a release that did not come up: what was live before it is live again, or nothing where there was nothing. */
  private async giveBack(
    kubectl: Kubectl,
    failed: Release,
    before: Workload | undefined,
    revision: number | undefined,
    log: Say,
  ): Promise<Result<void>> {
    // The user's cancel must not keep what customers had from coming back.
    const patience = new Patience(this.definition.timeoutMs, ended, log);
    const { workload: name } = this.definition;
    const now = await patience.ask((signal) => readWorkload(kubectl, name, signal));
    if (!now.ok) return fail('delivery', `what was live could not be brought back: ${now.failure.message}`);
    if (!now.value) return ok(undefined);
    if (!isLive(now.value, failed.id)) return ok(undefined); // it never got so far, or another delivery came after it
    if (!before || revision === undefined || isTakenDown(before)) return takeDown(kubectl, name, now.value, log, ended);
    const back = await this.undo(kubectl, now.value, revision, log, patience);
    if (!back.ok) return fail('delivery', `what was live could not be brought back: ${back.failure.message}`);
    return isStopped(before) ? scaleToNothing(kubectl, name, before, ended) : ok(undefined);
  }

  /** Brings back the pods of a revision, and resolves when they are ready. */
  private async undo(kubectl: Kubectl, live: Workload, revision: number, log: Say, patience: Patience): Promise<Result<void>> {
    const { workload: name } = this.definition;
    log(`bringing back revision ${revision} of ${name}; config maps, services and all else stay as they were last applied`);
    const pods = await new Rollout(kubectl, name, log, patience).after(async () => {
      const undone = await patience.ask((signal) =>
        kubectl.text(['rollout', 'undo', qualified(name), `--to-revision=${revision}`], { signal, stdout: log }),
      );
      return undone.ok ? scaleBack(kubectl, name, live, patience.signal) : undone;
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
    const workload = all.value.find((one) => nameOf(one) === this.definition.workload) as Workload | undefined;
    if (!workload?.spec?.template) {
      const there = all.value.map(nameOf).join(', ');
      const none = fail('usage', `the manifests hold no ${this.definition.workload}`, {
        hint: there === '' ? 'they are empty' : `they hold ${there}`,
      });
      return mayGrow(this.definition, folder) ? mayCome(none) : none;
    }
    if (workload.metadata.namespace !== undefined && workload.metadata.namespace !== namespace)
      return fail(
        'usage',
        `${this.definition.workload} is of the namespace ${workload.metadata.namespace}, and ${this.place.environment} is ${namespace}`,
        {
          hint: `name it in \`namespace\`, or leave it out of the manifest`,
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
