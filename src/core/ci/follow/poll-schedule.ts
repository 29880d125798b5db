import { setTimeout as delay } from 'node:timers/promises';
import type { Visibility } from '../../process/visibility';
import type { Allowance } from '../ci-client';

/** What one round of asking found, as far as the next depends on it. */
export interface Round {
  /** `going on`: something may change at any moment; `resting`: only what others may begin. */
  readonly state: 'going on' | 'waiting' | 'resting';
  /** Somebody looks at it. */
  readonly isSeen: boolean;
  /** For how many rounds nothing has changed. */
  readonly unchanged: number;
  /** How many rounds have failed since one went well. */
  readonly failures: number;
  /** ISO 8601: not to be asked before. */
  readonly retryAt?: string;
  readonly allowance?: Allowance | undefined;
  /** How many requests a round takes. */
  readonly requests: number;
}

export interface Pause {
  readonly ms: number;
  /** It would be shorter if the engine allowed more. */
  readonly isSlowed: boolean;
  /** The engine said that it must not be shorter. */
  readonly isFirm?: true;
}

/** How often at most and at least, in milliseconds, while somebody looks. */
const paces = {
  'going on': [2000, 8000],
  waiting: [3000, 15_000],
  resting: [30_000, 60_000],
} as const;

/** What nobody looks at is asked for so much more seldom. */
const unseen = 10;
const longestMs = 5 * 60_000;

/** Of what it allows, so much is left for others who use the same token. */
const margin = 0.2;

/** The one place where it is decided when a CI service is asked again. */
export function pollDelayAfter(round: Round, now: number): Pause {
  const [shortest, longest] = paces[round.state];
  if (round.failures > 0) {
    const backOff = Math.min(60_000, shortest * 2 ** Math.min(round.failures - 1, 6));
    const told = round.retryAt === undefined ? 0 : Date.parse(round.retryAt) - now;
    return { ms: Math.max(backOff, told), isSlowed: false, ...(told > 0 && { isFirm: true }) };
  }
  const wished = Math.min(longest, shortest * 1.3 ** Math.min(round.unchanged, 20)) * (round.isSeen ? 1 : unseen);
  const usual = Math.min(wished, Math.max(longestMs, longest));
  const allowed = allowedMs(round, now);
  return { ms: Math.max(usual, allowed), isSlowed: allowed > longest };
}

/** Pauses, but not when it begins to be seen: what was not asked for long is asked at once. */
export async function waitForNextPoll({ ms, isFirm }: Pause, visibility: Visibility, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const passed = delay(ms, undefined, { signal: either }).catch(() => undefined);
  await (isFirm ? passed : Promise.race([passed, visibility.becomesVisible(either)]));
  over.abort();
}

/** The pause with which what may still be asked lasts until there is more. */
function allowedMs({ allowance, requests }: Round, now: number): number {
  if (!allowance) return 0;
  const left = Date.parse(allowance.resetAt) - now;
  if (left <= 0) return 0;
  const usable = allowance.remaining - allowance.limit * margin;
  return usable < requests ? left : (left * requests) / usable;
}
