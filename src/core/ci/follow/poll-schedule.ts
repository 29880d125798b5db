import { setTimeout as delay } from 'node:timers/promises';
import type { Seen } from '../../process/visibility';
import type { Allowance } from '../ci-client';

/** The result of one poll, as far as the next delay depends on it. */
export interface Round {
  /** `going on`: a change is possible at any time. `resting`: only a new run changes something. */
  readonly state: 'going on' | 'waiting' | 'resting';
  /** A window shows it. */
  readonly isSeen: boolean;
  /** Polls since the last change. */
  readonly unchanged: number;
  /** Failed polls since the last success. */
  readonly failures: number;
  /** ISO 8601: earliest time of the next request. */
  readonly retryAt?: string;
  readonly allowance?: Allowance | undefined;
  /** Requests in one poll. */
  readonly requests: number;
}

export interface Pause {
  readonly ms: number;
  /** The delay is longer because of the rate limit. */
  readonly isSlowed: boolean;
  /** The CI service demands this delay. */
  readonly isFirm?: true;
}

/** Shortest and longest delay while a window shows it, in milliseconds. */
const paces = {
  'going on': [2000, 8000],
  waiting: [3000, 15_000],
  resting: [30_000, 60_000],
} as const;

/** Factor for the delay while no window shows it. */
const unseen = 10;
const longestMs = 5 * 60_000;

/** Share of the rate limit that is left for other programs with the same token. */
const margin = 0.2;

/** Returns the delay until the next poll. All polling of CI services is scheduled here. */
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

/** Waits for the delay, or until a window shows it. A demanded delay is never cut short. */
export async function waitForNextPoll({ ms, isFirm }: Pause, seen: Seen, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const passed = delay(ms, undefined, { signal: either }).catch(() => undefined);
  await (isFirm ? passed : Promise.race([passed, seen.began(either)]));
  over.abort();
}

/** Returns the delay at which the remaining requests last until the rate limit resets. */
function allowedMs({ allowance, requests }: Round, now: number): number {
  if (!allowance) return 0;
  const left = Date.parse(allowance.resetAt) - now;
  if (left <= 0) return 0;
  const usable = allowance.remaining - allowance.limit * margin;
  return usable < requests ? left : (left * requests) / usable;
}
