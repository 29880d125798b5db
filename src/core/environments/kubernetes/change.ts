import type { Release } from '../../model/events';
import { fail, ok, type Result } from '../../model/result';
import { pause } from '../../support/pause';
import type { WriteLine } from '../environment';
import type { PlatformPlace } from '../platform';
import { applyObjects, deleteObjects, dryRun, isJob, readObjects, replaceObjects } from './apply';
import { endOfJob, runJobs } from './jobs';
import type { Kubectl } from './kubectl';
import { type Condition, keyOf, type KubernetesObject, nameOf, type Pod, type Workload } from './objects';
import { byKey, dependsOn, isDefinition, isFoundation, stagesOf } from './order';
import { isProtected, isScaledByOthers, reasonToKeep, withoutReplicas } from './prune';
import {
  markDeployed,
  maxRecords,
  readRecords,
  recordSecret,
  recordWith,
  type ReleaseRecord,
  removeRecords,
  type StoredRecord,
} from './release-record';
import { Rollout, RolloutDeadline } from './rollout';
import { isLive, isStopped, isTakenDown, releaseOf, restoreScale, scaleToZero, takeDown } from './workload';

const neverAborted = new AbortController().signal;
const pollIntervalMs = 500;

export interface ChangeOptions {
  readonly kubectl: Kubectl;
  readonly place: Pick<PlatformPlace, 'environment' | 'service'>;
  /** Like `deployment/shop`. */
  readonly workload: string;
  readonly timeoutMs: number;
  /** The release takes fields that other managers have set. */
  readonly takesConflicts: boolean;
  readonly log: WriteLine;
  readonly signal: AbortSignal;
}

/** The state of the cluster before a change, to return to after a failure. */
interface Before {
  readonly records: readonly StoredRecord[];
  /** The objects of the release that exist already. */
  readonly objects: readonly KubernetesObject[];
  readonly workload: Workload | undefined;
}

/**
 * Replaces the live release by another one. Nothing changes before the server has accepted all objects. After a failure, the objects
 * are as they were.
 */
export class ReleaseChange {
  private readonly namespace: string;
  private readonly target: Workload;

  constructor(
    private readonly options: ChangeOptions,
    private readonly record: ReleaseRecord,
    /** An earlier release becomes live again: its jobs do not run again, and newer releases are forgotten. */
    private readonly isRestoring: boolean,
  ) {
    this.namespace = options.kubectl.place.namespace ?? 'default';
    const target = record.objects.find((object) => nameOf(object) === options.workload);
    if (!target) throw new Error(`a release without ${options.workload}`);
    this.target = target as Workload;
  }

  /**
   * Resolves with the pods of the release when they are ready and `accept` has succeeded. `isUpdate`: another release was live.
   */
  async makeLive(accept: (isUpdate: boolean) => Promise<Result<void>>): Promise<Result<readonly Pod[]>> {
    const { kubectl, log, signal, timeoutMs } = this.options;
    const deadline = new RolloutDeadline(timeoutMs, signal, log);
    const prepared = await this.prepare(deadline);
    if (!prepared.ok) return prepared;
    const { before, force, replaced } = prepared.value;
    const rollout = this.rollout(deadline, this.isRestoring);
    let hasChanged = false;
    const pods = await rollout.after(async () => {
      const stages = stagesOf(this.objects(before), this.target);
      const secret = this.isRestoring ? [] : [recordSecret(this.options.place, this.record)];
      const workloads = stages.workloads;
      const first = [...secret, ...stages.foundations, ...stages.configuration];
      const jobs = this.isRestoring ? [] : stages.jobs;
      const isReplaced = (job: KubernetesObject): boolean => replaced.has(keyOf(job, this.namespace)) || this.hasFailed(job, before);
      const options = { force, log, deadline };
      hasChanged = true;
      deadline.restart();
      if (jobs.length === 0) {
        const applied = await applyObjects(kubectl, [...first, ...workloads], options);
        if (!applied.ok) return applied;
      } else {
        const applied = await applyObjects(kubectl, first, options);
        if (!applied.ok) return applied;
        const ended = await runJobs(kubectl, jobs, { ...options, isReplaced, timeoutMs, signal });
        if (!ended.ok) return ended;
        deadline.restart();
        const last = await applyObjects(kubectl, workloads, options);
        if (!last.ok) return last;
      }
      return before.workload
        ? restoreScale(kubectl, this.options.workload, before.workload, signal, this.target.spec.replicas)
        : ok(undefined);
    });
    const accepted = pods.ok ? await accept(before.workload !== undefined) : pods;
    if (accepted.ok && pods.ok) {
      await this.finish(before);
      return pods;
    }
    const failed = accepted.ok ? pods : accepted;
    if (!hasChanged || failed.ok) return failed;
    const restored = await this.putBack(before);
    return restored.ok ? failed : fail('delivery', `${failed.failure.message}; ${restored.failure.message}`);
  }

  /** The objects to apply. A restored release does not undo a number of pods that somebody else has set. */
  private objects({ objects }: Before): readonly KubernetesObject[] {
    if (!this.isRestoring) return this.record.objects;
    return this.withoutForeignReplicas(this.record.objects, objects);
  }

  private withoutForeignReplicas(objects: readonly KubernetesObject[], before: readonly KubernetesObject[]): KubernetesObject[] {
    const scaled = new Set(before.filter(isScaledByOthers).map((object) => keyOf(object, this.namespace)));
    return objects.map((object) => (scaled.has(keyOf(object, this.namespace)) ? withoutReplicas(object) : object));
  }

  /** Reads the state of the cluster, and asks the server whether it accepts the release. Creates only what other objects need. */
  private async prepare(deadline: RolloutDeadline): Promise<Result<{ before: Before; force: boolean; replaced: ReadonlySet<string> }>> {
    const { kubectl, log, place } = this.options;
    const options = { force: this.isRestoring || this.options.takesConflicts, log, deadline };
    const secret = this.isRestoring ? [] : [recordSecret(place, this.record)];
    const objects = [...secret, ...this.record.objects.filter((object) => !this.isRestoring || !isJob(object))];
    const foundations = objects.filter(isFoundation);
    const missing = await this.missingNamespaces(foundations, deadline);
    if (!missing.ok) return missing;
    const isLater = dependsOn(foundations, missing.value, this.namespace);
    const now = objects.filter((object) => isFoundation(object) || !isLater(object));
    const later = objects.filter((object) => !isFoundation(object) && isLater(object));
    const [records, read, accepted] = await Promise.all([
      deadline.retry((signal) => readRecords(kubectl, signal)),
      readObjects(kubectl, now, deadline),
      dryRun(kubectl, now, options),
    ]);
    if (!accepted.ok) return accepted;
    if (!read.ok) return read;
    if (!records.ok) return records;
    let { force, replaced } = accepted.value;
    const existing = [...read.value];
    if (later.length > 0) {
      const applied = await applyObjects(kubectl, stagesOf(foundations, this.target).foundations, { ...options, force });
      const established = applied.ok ? await this.waitForDefinitions(foundations.filter(isDefinition), deadline) : applied;
      if (!established.ok) return established;
      const [readLater, acceptedLater] = await Promise.all([
        readObjects(kubectl, later, deadline),
        dryRun(kubectl, later, { ...options, force }),
      ]);
      if (!acceptedLater.ok) return acceptedLater;
      if (!readLater.ok) return readLater;
      existing.push(...readLater.value);
      force ||= acceptedLater.value.force;
      replaced = new Set([...replaced, ...acceptedLater.value.replaced]);
    }
    const own = records.value.filter(({ service, environment }) => service === place.service && environment === place.environment);
    const workload = existing.find((object) => nameOf(object) === this.options.workload) as Workload | undefined;
    const before: Before = { records: own, objects: existing, workload };
    for (const object of this.dropped(before)) log(`${nameOf(object)} is no longer part of the release, and is removed when it is live`);
    return ok({ before, force, replaced });
  }

  private async missingNamespaces(foundations: readonly KubernetesObject[], deadline: RolloutDeadline): Promise<Result<Set<string>>> {
    const namespaces = foundations.filter((object) => !isDefinition(object));
    if (namespaces.length === 0) return ok(new Set());
    const found = await readObjects(this.options.kubectl, namespaces, deadline);
    if (!found.ok) return found;
    const existing = found.value.map(({ metadata }) => metadata.name);
    return ok(new Set(namespaces.map(({ metadata }) => metadata.name).filter((name) => !existing.includes(name))));
  }

  /** Waits until the server knows the kinds of custom resources. */
  private async waitForDefinitions(definitions: readonly KubernetesObject[], deadline: RolloutDeadline): Promise<Result<void>> {
    interface Definition extends KubernetesObject {
      readonly status?: { readonly conditions?: readonly Condition[] };
    }
    for (;;) {
      const read = await readObjects(this.options.kubectl, definitions, deadline);
      if (!read.ok) return read;
      const isEstablished = ({ status }: Definition): boolean =>
        status?.conditions?.some(({ type, status: is }) => type === 'Established' && is === 'True') === true;
      const waiting = read.value.filter((object) => !isEstablished(object));
      if (waiting.length === 0 && read.value.length === definitions.length) return ok(undefined);
      if (deadline.signal.aborted) return fail('cancelled', 'cancelled');
      if (deadline.remainingMs === 0) return fail('delivery', `the cluster did not establish ${waiting.map(nameOf).join(', ')} in time`);
      await pause(pollIntervalMs, deadline.signal);
    }
  }

  private hasFailed(job: KubernetesObject, { objects }: Before): boolean {
    const existing = objects.find((object) => keyOf(object, this.namespace) === keyOf(job, this.namespace));
    return existing !== undefined && endOfJob(existing)?.failure !== undefined;
  }

  /** Returns the objects of other releases that the new one does not have. */
  private dropped({ records }: Before): KubernetesObject[] {
    const kept = byKey(this.record.objects, this.namespace);
    const others = records.flatMap((record) => {
      const read = record.release.id === this.record.release.id ? undefined : record.read();
      return read?.ok ? read.value.objects : [];
    });
    return [...byKey(others, this.namespace)].filter(([key, object]) => !kept.has(key) && !isProtected(object)).map(([, object]) => object);
  }

  /** Removes what only other releases had, and updates the records. The release is live: a failure is only logged. */
  private async finish(before: Before): Promise<void> {
    const { kubectl, log, place } = this.options;
    const deadline = new RolloutDeadline(this.options.timeoutMs, neverAborted, log);
    const index = before.records.findIndex(({ release }) => release.id === this.record.release.id);
    const others = before.records.filter(({ release }) => release.id !== this.record.release.id);
    const newer = new Set(this.isRestoring ? before.records.slice(0, Math.max(0, index)) : []);
    const kept = others.filter((record) => record.isDeployed && !newer.has(record)).slice(0, maxRecords - 1);
    const obsolete = others.filter((record) => !kept.includes(record)).map(({ name }) => name);
    const done = await Promise.all([
      this.prune(before, deadline),
      this.isRestoring ? ok(undefined) : markDeployed(kubectl, recordSecret(place, this.record), neverAborted),
      removeRecords(kubectl, obsolete, neverAborted),
    ]);
    for (const one of done) if (!one.ok) log(`warning: ${one.failure.message}`);
  }

  private async prune(before: Before, deadline: RolloutDeadline): Promise<Result<void>> {
    const { kubectl, log, place } = this.options;
    const dropped = this.dropped(before);
    if (dropped.length === 0) return ok(undefined);
    const existing = await readObjects(kubectl, dropped, deadline);
    if (!existing.ok) return existing;
    const removed: KubernetesObject[] = [];
    for (const object of existing.value) {
      const reason = reasonToKeep(object, place);
      if (reason === undefined) removed.push(object);
      else log(`${nameOf(object)} stays: ${reason}`);
    }
    return deleteObjects(kubectl, removed, { force: false, log, deadline });
  }

  /** Returns to the state before the change, or takes the workload down if nothing was live. */
  private async putBack(before: Before): Promise<Result<void>> {
    const { kubectl, log, workload: name } = this.options;
    // A cancel must not stop the rollback.
    const deadline = new RolloutDeadline(this.options.timeoutMs, neverAborted, log);
    const failed = (reason: string): Result<never> => fail('delivery', `the previous release could not be restored: ${reason}`);
    const now = await readObjects(kubectl, [this.target], deadline);
    if (!now.ok) return failed(now.failure.message);
    const live = now.value[0] as Workload | undefined;
    const previous = before.workload && releaseOf(before.workload.spec.template);
    // Another delivery has replaced it.
    if (live && !isLive(live, this.record.release.id) && releaseOf(live.spec.template)?.id !== previous?.id) return ok(undefined);
    if (!before.workload || isTakenDown(before.workload)) {
      if (live && isLive(live, this.record.release.id)) return takeDown(kubectl, name, live, log, neverAborted);
      return this.removeCreated(before, [], deadline);
    }
    const record = previous && recordWith(before.records, previous);
    const objects = record?.ok ? record.value.objects.filter((object) => !isJob(object)) : [];
    const known = byKey(objects, this.namespace);
    const unknown = before.objects.filter((object) => !known.has(keyOf(object, this.namespace)) && !isJob(object) && !isFoundation(object));
    log(`restoring ${previous ? describe(previous) : name} with all its objects`);
    const pods = await this.rollout(deadline, true).after(async () => {
      const { foundations, configuration, workloads } = stagesOf(
        this.withoutForeignReplicas(objects, before.objects),
        objects.find((object) => nameOf(object) === name) ?? this.target,
      );
      const applied = await applyObjects(
        kubectl,
        [...foundations, ...configuration, ...workloads.filter((object) => known.has(keyOf(object, this.namespace)))],
        { force: true, log, deadline },
      );
      const replaced = applied.ok ? await replaceObjects(kubectl, unknown, { force: true, log, deadline }) : applied;
      if (!replaced.ok || !live) return replaced;
      return restoreScale(kubectl, name, live, neverAborted, before.workload?.spec.replicas);
    });
    const removed = await this.removeCreated(before, objects, deadline);
    if (!pods.ok) return failed(pods.failure.message);
    if (!removed.ok) return failed(removed.failure.message);
    return isStopped(before.workload) ? scaleToZero(kubectl, name, before.workload, neverAborted) : ok(undefined);
  }

  /** Deletes the objects that the failed release has created. A job stays, for its log. */
  private async removeCreated(before: Before, restored: readonly KubernetesObject[], deadline: RolloutDeadline): Promise<Result<void>> {
    const { kubectl, log, place } = this.options;
    const kept = byKey([...before.objects, ...restored], this.namespace);
    const all = this.isRestoring ? this.record.objects : [...this.record.objects, recordSecret(place, this.record)];
    const created = all.filter((object) => !kept.has(keyOf(object, this.namespace)) && !isProtected(object) && !isJob(object));
    return deleteObjects(kubectl, created, { force: false, log, deadline });
  }

  private rollout(deadline: RolloutDeadline, isRestoring: boolean): Rollout {
    const { kubectl, workload, log } = this.options;
    return new Rollout(kubectl, workload, log, deadline, isRestoring);
  }
}

function describe({ commit, subject }: Release): string {
  return subject === undefined ? commit.slice(0, 7) : `${commit.slice(0, 7)} (${subject})`;
}
