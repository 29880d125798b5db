import { setTimeout as wait } from 'node:timers/promises';
import { fail, ok, type Result } from '../../model/result';
import type { Say } from '../environment';
import type { Kubectl } from './kubectl';
import { selectorText, type ObjectList, type Pod, type Revision } from './objects';
import type { Patience } from './rollout-deadline';
import { RolloutEvents } from './rollout-events';
import { whyItHangs, type Cause } from './why-it-hangs';
import { podsOfRelease, qualified, readPods, readWorkload } from './workload';

const lookMs = 1_000;
const lastLines = 20;

/** Follows a rollout to its end, tells what happens, and why it gets no further. */
export class Rollout {
  private readonly own = new Set<string>();
  private readonly events: RolloutEvents;
  private cause: Cause | undefined;
  private since = 0;

  constructor(
    private readonly kubectl: Kubectl,
    /** Like `deployment/shop`. */
    private readonly workload: string,
    private readonly log: Say,
    private readonly patience: Patience,
  ) {
    this.events = new RolloutEvents(kubectl, log, this.own);
  }

  /**
   * Does something to the workload and resolves when that is rolled out, with its pods. Fails as soon as it is certain
   * that it will not be, else when the time is over.
   */
  async after(act: () => Promise<Result<void>>): Promise<Result<readonly Pod[]>> {
    const done = new AbortController();
    const signal = AbortSignal.any([done.signal, this.patience.signal]);
    const listening = this.events.listen(signal);
    const acted = await act();
    const end = acted.ok ? await this.end(signal) : acted;
    const pods = end.ok ? await this.livePods() : end;
    done.abort();
    await listening;
    this.events.settle();
    if (end.ok) return pods;
    if (this.patience.signal.aborted) return fail('cancelled', 'cancelled');
    return end;
  }

  private async end(signal: AbortSignal): Promise<Result<void>> {
    const stop = new AbortController();
    const both = AbortSignal.any([signal, stop.signal]);
    const status = this.status(both);
    const looks = this.lookUntilCertain(both);
    const first = await Promise.race([status, looks.then(() => undefined)]);
    stop.abort();
    await Promise.all([status, looks]);
    if (first?.ok) return first;
    const message = `${this.workload} did not come up`;
    if (this.cause) {
      await this.tellLastLines(this.cause);
      return fail('delivery', `${message}: ${this.cause.message}`);
    }
    const why = first ? `${message}: ${first.failure.message}` : `${message} in time`;
    this.events.settle();
    const { lastWarning } = this.events;
    return fail('delivery', lastWarning === undefined ? why : `${why}; the cluster last warned: ${lastWarning}`);
  }

  private async status(signal: AbortSignal): Promise<Result<void>> {
    const rolled = await this.patience.ask(async () => {
      const seconds = Math.max(1, Math.ceil(this.patience.leftMs / 1000));
      const args = ['rollout', 'status', qualified(this.workload), '--watch=true', `--timeout=${seconds}s`];
      const end = await this.kubectl.run(args, { signal, endless: true, stdout: this.log, timeoutMs: this.patience.leftMs + lookMs });
      if (end.exitCode === 0) return { ok: true, value: undefined };
      const isOver = signal.aborted || this.patience.leftMs === 0;
      const answer = this.kubectl.trouble(end);
      return isOver ? { ...answer, trouble: 'other', failure: { kind: 'delivery', message: 'its time is over' } } : answer;
    });
    return rolled;
  }

  /** Looks at the pods until it is certain that they will not come up, or the signal. */
  private async lookUntilCertain(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.look(signal);
      const { certainAfterMs } = this.cause ?? {};
      if (certainAfterMs !== undefined && Date.now() - this.since >= certainAfterMs) return;
      await wait(lookMs, undefined, { signal }).catch(() => {});
    }
  }

  /** What cannot be seen now is looked at again in a moment: a cluster that is away is told by others. */
  private async look(signal: AbortSignal): Promise<void> {
    const workload = await readWorkload(this.kubectl, this.workload, signal);
    // kubectl itself would go on asking until the time is over.
    if (!workload.ok && workload.trouble === 'forbidden') this.cause = { message: workload.failure.message, certainAfterMs: 0 };
    if (!workload.ok || !workload.value) return;
    const sets = workload.value.kind === 'Deployment' ? 'pods,replicasets.apps' : 'pods';
    const selector = `--selector=${selectorText(workload.value.spec.selector)}`;
    const all = await this.kubectl.json<ObjectList<Pod | Revision>>(['get', sets, selector], { signal });
    if (!all.ok) return;
    const { uid = '' } = workload.value.metadata;
    const items = all.value.items ?? [];
    for (const one of [uid, ...items.map(({ metadata }) => metadata.uid ?? '')]) this.own.add(one);
    this.events.settle();
    const pods = podsOfRelease(workload.value, { items: items });
    const cause = whyItHangs(pods, newest(items, uid), this.events.isGrowing);
    if (cause && cause.message !== this.cause?.message) this.log(cause.message);
    // The same trouble in other words, such as a longer pause, is not a new one.
    if (cause?.certainAfterMs !== this.cause?.certainAfterMs) this.since = Date.now();
    this.cause = cause;
  }

  private async tellLastLines({ crashed }: Cause): Promise<void> {
    if (!crashed) return;
    const args = ['logs', crashed.pod, `--container=${crashed.container}`, `--tail=${lastLines}`];
    const { signal } = this.patience;
    const previous = await this.kubectl.text([...args, '--previous'], { signal });
    // After its first end there may be none before it.
    const lines = previous.ok ? previous : await this.kubectl.text(args, { signal });
    if (!lines.ok || lines.value.trim() === '') return;
    this.log(`the last lines of ${crashed.pod}:`);
    for (const line of lines.value.trimEnd().split('\n')) this.log(`  ${line}`);
  }

  private async livePods(): Promise<Result<readonly Pod[]>> {
    const workload = await readWorkload(this.kubectl, this.workload, this.patience.signal);
    if (!workload.ok) return workload;
    if (!workload.value) return fail('delivery', `${this.workload} was deleted while it was rolled out`);
    const pods = await readPods(this.kubectl, workload.value, this.patience.signal);
    // A rollout may be over before it was looked at for the first time.
    for (const { metadata } of pods.ok ? (pods.value.items ?? []) : [])
      for (const uid of [metadata.uid, ...(metadata.ownerReferences ?? []).map((owner) => owner.uid)]) this.own.add(uid ?? '');
    return pods.ok ? ok(podsOfRelease(workload.value, pods.value)) : pods;
  }
}

/** The replica set that makes the pods of now. */
function newest(items: readonly (Pod | Revision)[], owner: string): Revision[] {
  const revision = ({ metadata }: Pod | Revision): number => Number(metadata.annotations?.['deployment.kubernetes.io/revision'] ?? 0);
  const sets = items.filter(({ kind, metadata }) => kind === 'ReplicaSet' && metadata.ownerReferences?.some(({ uid }) => uid === owner));
  return sets.sort((a, b) => revision(b) - revision(a)).slice(0, 1);
}
