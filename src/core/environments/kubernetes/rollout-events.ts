import { setTimeout as wait } from 'node:timers/promises';
import type { Say } from '../environment';
import { JsonDocuments } from '../../support/json-value';
import type { Kubectl } from './kubectl';
import type { ClusterEvent } from './objects';

const againMs = 1_000;
/** An autoscaler says that it makes room. */
const growing = /^(TriggeredScaleUp|Nominated)$/;

/** What the cluster says of a workload, its replica sets and its pods, as it says it, and each once. */
export class RolloutEvents {
  /** Whether a node is being added. */
  isGrowing = false;
  /** What the cluster last warned of: the best that is known where no pod shows why it is not ready. */
  lastWarning: string | undefined;
  /** What was said before is of other rollouts. The cluster tells whole seconds. */
  private readonly began = Date.now() - 1_000;
  private readonly told = new Set<string>();
  /** What may belong to the workload: which pods it has may be known only a moment later. */
  private waiting: ClusterEvent[] = [];

  constructor(
    private readonly kubectl: Kubectl,
    private readonly log: Say,
    /** The objects that it is about, by uid. */
    private readonly own: ReadonlySet<string>,
  ) {}

  /** Listens until the signal; where the cluster breaks off, again. */
  async listen(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const documents = new JsonDocuments<ClusterEvent>();
      const stdout = (line: string): void => {
        const event = documents.take(line);
        if (event) this.take(event);
      };
      await this.kubectl.run(['get', 'events', '--watch', '--output=json'], { signal, endless: true, stdout });
      await wait(againMs, undefined, { signal }).catch(() => {});
    }
  }

  /** Tells what belongs to the workload by what is known now. */
  settle(): void {
    const waiting = this.waiting.slice(-1_000);
    this.waiting = [];
    for (const event of waiting) this.take(event);
  }

  private take(event: ClusterEvent): void {
    if (Date.parse(event.lastTimestamp ?? event.metadata.creationTimestamp ?? '') < this.began) return;
    const { uid = '', kind = '', name = '' } = event.involvedObject ?? {};
    if (!this.own.has(uid)) {
      this.waiting.push(event);
      return;
    }
    this.isGrowing ||= growing.test(event.reason ?? '');
    const message = event.message?.trim().replaceAll('\n', ' ') ?? '';
    const line = `${kind.toLowerCase()}/${name}: ${event.reason ?? ''}: ${message}`;
    if (event.type === 'Warning') this.lastWarning = `${event.reason ?? ''}: ${message}`;
    if (this.told.has(line)) return;
    this.told.add(line);
    this.log(event.type === 'Warning' ? `warning: ${line}` : line);
  }
}
