import { setTimeout as delay } from 'node:timers/promises';
import { ok, type CiResult } from '../ci-client';

export interface Patience {
  /** Before the second try; doubled for each further one. */
  readonly waitMs: number;
  readonly tries: number;
}

/** A minute, in all. */
export const usualPatience: Patience = { waitMs: 500, tries: 8 };

/** Asks until there is something. Undefined: there was nothing. */
export async function until<T>(
  { waitMs, tries }: Patience,
  signal: AbortSignal,
  ask: () => Promise<CiResult<T | undefined>>,
): Promise<CiResult<T> | undefined> {
  for (let done = 0; done < tries; done++) {
    if (done > 0) await delay(waitMs * 2 ** (done - 1), undefined, { signal }).catch(() => undefined);
    const answer = await ask();
    if (answer.state === 'failed') return answer;
    if (answer.value !== undefined) return ok(answer.value);
  }
  return undefined;
}
