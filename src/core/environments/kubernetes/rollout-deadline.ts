import { setTimeout as wait } from 'node:timers/promises';
import type { Say } from '../environment';
import type { Answer } from './kubectl-failure';

const firstMs = 500;
const mostMs = 5_000;

/** Time that is left for a rollout: as long as there is some, a cluster that is away is asked again. */
export class Patience {
  readonly deadline: number;
  private isAway = false;

  constructor(
    timeoutMs: number,
    readonly signal: AbortSignal,
    private readonly log: Say,
  ) {
    this.deadline = Date.now() + timeoutMs;
  }

  get leftMs(): number {
    return Math.max(0, this.deadline - Date.now());
  }

  get isOver(): boolean {
    return this.signal.aborted || this.leftMs === 0;
  }

  /** Asks until the cluster answers. That it is away is told once, and that it is back. */
  async ask<T>(question: (signal: AbortSignal) => Promise<Answer<T>>): Promise<Answer<T>> {
    for (let pauseMs = firstMs; ; pauseMs = Math.min(pauseMs * 2, mostMs)) {
      const answer = await question(this.signal);
      if (answer.ok || answer.trouble !== 'away') {
        if (this.isAway && answer.ok) this.log('the cluster is back');
        this.isAway &&= !answer.ok;
        return answer;
      }
      if (!this.isAway) this.log(`${answer.failure.message}: trying again for ${Math.ceil(this.leftMs / 1000)} s`);
      this.isAway = true;
      if (this.leftMs <= pauseMs) return answer;
      await this.pause(pauseMs);
      if (this.signal.aborted) return { ok: false, trouble: 'cancelled', failure: { kind: 'cancelled', message: 'cancelled' } };
    }
  }

  async pause(ms: number): Promise<void> {
    await wait(Math.min(ms, this.leftMs), undefined, { signal: this.signal }).catch(() => {});
  }
}
