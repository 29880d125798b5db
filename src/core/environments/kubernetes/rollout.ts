import { fail, ok, type Result } from '../../model/result';
import { JsonDocuments } from '../../support/json-value';
import { pause } from '../../support/pause';
import type { WriteLine } from '../environment';
import type { Kubectl, KubectlResult } from './kubectl';
import { type ClusterEvent, type ObjectList, type Pod, type Revision, selectorText } from './objects';
import { findRolloutProblem, type RolloutProblem } from './rollout-problem';
import { podsOfRelease, qualifiedName, readPods, readWorkload } from './workload';

const pollIntervalMs = 1_000;
/** The limit for a request of a poll. A slower answer counts as an outage of the cluster. */
const pollSeconds = 5;
const lastLines = 20;
/** The time for kubectl to notice its own time limit. */
const graceMs = 5_000;

/** Follows a rollout to its end, logs its progress, and explains why it does not finish. */
export class Rollout {
  private readonly objectIds = new Set<string>();
  private readonly events: RolloutEvents;
  private problem: RolloutProblem | undefined;
  private since = 0;

  private readonly deleted = new Set<string>();
  private polling = Promise.resolve();

  constructor(
    private readonly kubectl: Kubectl,
    /** Like `deployment/shop`. */
    private readonly workload: string,
    private readonly log: WriteLine,
    private readonly deadline: RolloutDeadline,
    /** The rollout replaces a release that did not come up. */
    private readonly isRestoring = false,
  ) {
    this.events = new RolloutEvents(kubectl, log, this.objectIds);
  }

  /**
   * Changes the workload with `act` and resolves with its pods when the rollout is complete. Fails once a problem is certain, else
   * at the deadline.
   */
  async after(act: () => Promise<Result<void>>): Promise<Result<readonly Pod[]>> {
    const done = new AbortController();
    const signal = AbortSignal.any([done.signal, this.deadline.signal]);
    const listening = this.events.listen(signal);
    const acted = await act();
    const end = acted.ok ? await this.end(signal) : acted;
    const pods = end.ok ? await this.livePods() : end;
    done.abort();
    await listening;
    this.events.reportWaiting();
    if (end.ok) return pods;
    if (this.deadline.signal.aborted) return fail('cancelled', 'cancelled');
    return end;
  }

  private async end(signal: AbortSignal): Promise<Result<void>> {
    const stop = new AbortController();
    const both = AbortSignal.any([signal, stop.signal]);
    const status = this.status(both);
    const polling = this.pollUntilCertain(both);
    const first = await Promise.race([status, polling.then(() => undefined)]);
    stop.abort();
    await Promise.all([status, polling]);
    if (first?.ok) return first;
    const message = `${this.workload} did not come up`;
    if (this.problem) {
      await this.logLastLines(this.problem);
      return fail('delivery', `${message}: ${this.problem.message}`);
    }
    const reason = first ? `${message}: ${first.failure.message}` : `${message} in time`;
    this.events.reportWaiting();
    const { lastWarning } = this.events;
    return fail('delivery', lastWarning === undefined ? reason : `${reason}; last warning of the cluster: ${lastWarning}`);
  }

  private async status(signal: AbortSignal): Promise<Result<void>> {
    for (;;) {
      const rolled = await this.deadline.retry<void>(async () => {
        const seconds = Math.max(1, Math.ceil(this.deadline.remainingMs / 1000));
        const args = ['rollout', 'status', qualifiedName(this.workload), '--watch=true', `--timeout=${seconds}s`];
        const timeoutMs = this.deadline.remainingMs + graceMs;
        const end = await this.kubectl.run(args, { signal, streaming: true, stdout: this.log, timeoutMs });
        if (end.exitCode === 0) return { ok: true, value: undefined };
        // A poll notices an outage. This call has only used up its time.
        if (end.ended === 'timeout') return { ok: false, reason: 'other', failure: { kind: 'delivery', message: 'it timed out' } };
        return this.kubectl.failure(end);
      });
      if (rolled.ok || signal.aborted) return rolled;
      // A poll without an answer may be the start of an outage.
      await this.polling;
      if (this.deadline.remainingMs === 0) return fail('delivery', 'it timed out');
      // kubectl counts an outage of the cluster as part of its time limit.
      if (!/timed out/.test(rolled.failure.message)) return rolled;
    }
  }

  /** Polls the pods until it is certain that they will not come up, or until the signal aborts. */
  private async pollUntilCertain(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await (this.polling = this.poll(signal));
      const { failAfterMs } = this.problem ?? {};
      if (failAfterMs !== undefined && Date.now() - this.since >= failAfterMs) return;
      await pause(pollIntervalMs, signal);
    }
  }

  /** Reads the state of the pods. A failed read is ignored, because `kubectl rollout status` reports an unreachable cluster. */
  private async poll(signal: AbortSignal): Promise<void> {
    const began = Date.now();
    const workload = await readWorkload(this.kubectl, this.workload, signal, pollSeconds);
    if (!signal.aborted) this.deadline.report(workload, began);
    // kubectl itself would retry until the deadline.
    if (!workload.ok && workload.reason === 'forbidden') this.problem = { message: workload.failure.message, failAfterMs: 0 };
    if (!workload.ok || !workload.value) return;
    const sets = workload.value.kind === 'Deployment' ? 'pods,replicasets.apps' : 'pods';
    const selector = `--selector=${selectorText(workload.value.spec.selector)}`;
    const all = await this.kubectl.json<ObjectList<Pod | Revision>>(['get', sets, selector], { signal, requestSeconds: pollSeconds });
    if (!all.ok) return;
    const { uid = '' } = workload.value.metadata;
    const items = all.value.items ?? [];
    for (const id of [uid, ...items.map(({ metadata }) => metadata.uid ?? '')]) this.objectIds.add(id);
    this.events.reportWaiting();
    const pods = podsOfRelease(workload.value, { items: items });
    if (workload.value.kind === 'StatefulSet') await this.deleteBroken(items, pods);
    const problem = findRolloutProblem(pods, newest(items, uid), this.events.isGrowing);
    if (problem && problem.message !== this.problem?.message) this.log(problem.message);
    // A problem with another message, such as a longer back-off, is still the same problem.
    if (problem?.failAfterMs !== this.problem?.failAfterMs) this.since = Date.now();
    this.problem = problem;
  }

  /**
   * Deletes pods of another release that do not get ready. A stateful set would wait for them forever (Kubernetes documents it as
   * "forced rollback").
   */
  private async deleteBroken(items: readonly Pod[], current: readonly Pod[]): Promise<void> {
    const isReady = ({ status }: Pod): boolean =>
      status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;
    for (const pod of items) {
      const { name, uid = '', deletionTimestamp } = pod.metadata;
      if (current.includes(pod) || deletionTimestamp !== undefined || isReady(pod) || this.deleted.has(uid)) continue;
      if (!this.isRestoring && !findRolloutProblem([pod], [], false)) continue;
      this.deleted.add(uid);
      this.log(`deleting pod/${name}, which is not ready and of another release: the stateful set would wait for it`);
      const args = ['delete', `pods/${name}`, '--ignore-not-found', '--wait=false'];
      const deleted = await this.kubectl.text(args, { signal: this.deadline.signal });
      if (!deleted.ok) this.log(`pod/${name} could not be deleted: ${deleted.failure.message}`);
    }
  }

  private async logLastLines({ crashed }: RolloutProblem): Promise<void> {
    if (!crashed) return;
    const args = ['logs', crashed.pod, `--container=${crashed.container}`, `--tail=${lastLines}`];
    const { signal } = this.deadline;
    const previous = await this.kubectl.text([...args, '--previous'], { signal });
    // A container has no previous log before its first restart.
    const lines = previous.ok ? previous : await this.kubectl.text(args, { signal });
    if (!lines.ok || lines.value.trim() === '') return;
    this.log(`the last lines of ${crashed.pod}:`);
    for (const line of lines.value.trimEnd().split('\n')) this.log(`  ${line}`);
  }

  private async livePods(): Promise<Result<readonly Pod[]>> {
    const workload = await readWorkload(this.kubectl, this.workload, this.deadline.signal);
    if (!workload.ok) return workload;
    if (!workload.value) return fail('delivery', `${this.workload} was deleted during its rollout`);
    const pods = await readPods(this.kubectl, workload.value, this.deadline.signal);
    // The rollout may complete before the first poll.
    for (const { metadata } of pods.ok ? (pods.value.items ?? []) : [])
      for (const uid of [metadata.uid, ...(metadata.ownerReferences ?? []).map((owner) => owner.uid)]) this.objectIds.add(uid ?? '');
    return pods.ok ? ok(podsOfRelease(workload.value, pods.value)) : pods;
  }
}

/** Returns the newest replica set of a workload. */
function newest(items: readonly (Pod | Revision)[], owner: string): Revision[] {
  const revision = ({ metadata }: Pod | Revision): number => Number(metadata.annotations?.['deployment.kubernetes.io/revision'] ?? 0);
  const sets = items.filter(({ kind, metadata }) => kind === 'ReplicaSet' && metadata.ownerReferences?.some(({ uid }) => uid === owner));
  return sets.sort((a, b) => revision(b) - revision(a)).slice(0, 1);
}

const retryDelayMs = 1_000;
/** Events of an autoscaler that adds a node. */
const scaleUpReasons = /^(TriggeredScaleUp|Nominated)$/;

/** Logs the events of a workload, its replica sets and its pods, each once. */
export class RolloutEvents {
  isGrowing = false;
  /** The last warning, for when no pod shows why it is not ready. */
  lastWarning: string | undefined;
  /** Earlier events belong to other rollouts. Event times have a resolution of one second. */
  private readonly startedAt = Date.now() - 1_000;
  private readonly reported = new Set<string>();
  /** Events of objects that are not known to belong to the workload yet. */
  private waiting: ClusterEvent[] = [];

  constructor(
    private readonly kubectl: Kubectl,
    private readonly log: WriteLine,
    /** The uids of the workload's objects. */
    private readonly objectIds: ReadonlySet<string>,
  ) {}

  /** Logs events until the signal aborts. Reconnects if the cluster closes the connection. */
  async listen(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const documents = new JsonDocuments<ClusterEvent>();
      const stdout = (line: string): void => {
        const event = documents.take(line);
        if (event) this.take(event);
      };
      await this.kubectl.run(['get', 'events', '--watch', '--output=json'], { signal, streaming: true, stdout });
      await pause(retryDelayMs, signal);
    }
  }

  /** Logs the waiting events of objects that are known to belong to the workload by now. */
  reportWaiting(): void {
    const waiting = this.waiting.slice(-1_000);
    this.waiting = [];
    for (const event of waiting) this.take(event);
  }

  private take(event: ClusterEvent): void {
    if (Date.parse(event.lastTimestamp ?? event.metadata.creationTimestamp ?? '') < this.startedAt) return;
    const { uid = '', kind = '', name = '' } = event.involvedObject ?? {};
    if (!this.objectIds.has(uid)) {
      this.waiting.push(event);
      return;
    }
    this.isGrowing ||= scaleUpReasons.test(event.reason ?? '');
    const message = event.message?.trim().replaceAll('\n', ' ') ?? '';
    const line = `${kind.toLowerCase()}/${name}: ${event.reason ?? ''}: ${message}`;
    if (event.type === 'Warning') this.lastWarning = `${event.reason ?? ''}: ${message}`;
    if (this.reported.has(line)) return;
    this.reported.add(line);
    this.log(event.type === 'Warning' ? `warning: ${line}` : line);
  }
}

const firstDelayMs = 500;
const maxDelayMs = 5_000;

/** The deadline of a rollout. Calls are retried while the cluster is unreachable, and this time does not count. */
export class RolloutDeadline {
  private deadline: number;
  private outageSince: number | undefined;
  /** The remaining time for outages. */
  private outageMs: number;

  constructor(
    private readonly timeoutMs: number,
    readonly signal: AbortSignal,
    private readonly log: WriteLine,
  ) {
    this.deadline = Date.now() + timeoutMs;
    // A short time limit is about the release, not about the cluster.
    this.outageMs = Math.max(timeoutMs, Math.min(3 * timeoutMs, 60_000));
  }

  /** Gives the next part of a change the whole time limit. */
  restart(): void {
    this.deadline = Date.now() + this.timeoutMs;
  }

  get remainingMs(): number {
    return this.isLost ? 0 : Math.max(0, this.deadline - (this.outageSince ?? Date.now()));
  }

  /** Takes note of whether a call that began at a time has reached the cluster. Logs the start and the end of an outage. */
  report(answer: KubectlResult<unknown>, began: number): void {
    if (answer.ok || answer.reason !== 'unreachable') {
      if (this.outageSince === undefined) return;
      const lastedMs = Date.now() - this.outageSince;
      this.deadline += lastedMs;
      this.outageMs -= lastedMs;
      this.outageSince = undefined;
      this.log('the cluster is reachable again');
    } else if (this.outageSince === undefined) {
      this.outageSince = began;
      this.log(`${answer.failure.message}: retrying for up to ${Math.ceil(this.outageMs / 1000)} s`);
    }
  }

  /** Repeats a call until the cluster answers. */
  async retry<T>(call: (signal: AbortSignal) => Promise<KubectlResult<T>>): Promise<KubectlResult<T>> {
    for (let pauseMs = firstDelayMs; ; pauseMs = Math.min(pauseMs * 2, maxDelayMs)) {
      const began = Date.now();
      const answer = await call(this.signal);
      if (this.signal.aborted && !answer.ok)
        return { ok: false, reason: 'cancelled', failure: { kind: 'cancelled', message: 'cancelled' } };
      this.report(answer, began);
      if (answer.ok || answer.reason !== 'unreachable' || this.isLost) return answer;
      await pause(pauseMs, this.signal);
    }
  }

  private get isLost(): boolean {
    return this.outageSince !== undefined && Date.now() - this.outageSince >= this.outageMs;
  }
}
