import { setTimeout as delay } from 'node:timers/promises';
import type { Visibility } from '../../process/visibility';
import type { Allowance } from '../ci-client';

/** The result of one poll, as far as the next delay depends on it. */
export interface Poll {
  /** `going on`: a change is possible at any time. `resting`: only a new run changes something. */
  readonly state: 'going on' | 'waiting' | 'resting';
  /** A window shows it. */
  readonly isVisible: boolean;
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

export interface PollDelay {
  readonly ms: number;
  /** The delay is longer because of the rate limit. */
  readonly isSlowed: boolean;
  /** The CI service demands this delay. */
  readonly isFirm?: true;
}

/** Shortest and longest delay while a window shows it, in milliseconds. */
const delaysMs = {
  'going on': [2000, 8000],
  waiting: [3000, 15_000],
  resting: [30_000, 60_000],
} as const;

/** Factor for the delay while no window shows it. */
const hiddenFactor = 10;
const maxDelayMs = 5 * 60_000;

/** Share of the rate limit that is left for other programs with the same token. */
const reservedShare = 0.2;

/** Returns the delay until the next poll. All polling of CI services is scheduled here. */
export function pollDelayAfter(poll: Poll, now: number): PollDelay {
  const [shortest, longest] = delaysMs[poll.state];
  if (poll.failures > 0) {
    const backOff = Math.min(60_000, shortest * 2 ** Math.min(poll.failures - 1, 6));
    const demandedMs = poll.retryAt === undefined ? 0 : Date.parse(poll.retryAt) - now;
    return { ms: Math.max(backOff, demandedMs), isSlowed: false, isFirm: demandedMs > 0 || undefined };
  }
  const preferredMs = Math.min(longest, shortest * 1.3 ** Math.min(poll.unchanged, 20)) * (poll.isVisible ? 1 : hiddenFactor);
  const usualMs = Math.min(preferredMs, Math.max(maxDelayMs, longest));
  const allowedDelay = allowedMs(poll, now);
  return { ms: Math.max(usualMs, allowedDelay), isSlowed: allowedDelay > longest };
}

/** Waits for the delay, or until a window shows it. A demanded delay is never cut short. */
export async function waitForNextPoll({ ms, isFirm }: PollDelay, visibility: Visibility, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const passed = delay(ms, undefined, { signal: either }).catch(() => undefined);
  await (isFirm ? passed : Promise.race([passed, visibility.becomesVisible(either)]));
  over.abort();
}

/** Returns the delay at which the remaining requests last until the rate limit resets. */
function allowedMs({ allowance, requests }: Poll, now: number): number {
  if (!allowance) return 0;
  const left = Date.parse(allowance.resetAt) - now;
  if (left <= 0) return 0;
  const usable = allowance.remaining - allowance.limit * reservedShare;
  return usable < requests ? left : (left * requests) / usable;
}
