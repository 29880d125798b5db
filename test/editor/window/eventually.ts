import { setTimeout as delay } from 'node:timers/promises';

/** Retries an assertion until it passes. Throws its failure after ten seconds. */
export async function eventually(assertion: () => Promise<void>): Promise<void> {
  for (const end = Date.now() + 10_000; ;) {
    try {
      return await assertion();
    } catch (error) {
      if (Date.now() > end) throw error;
      await delay(100);
    }
  }
}
