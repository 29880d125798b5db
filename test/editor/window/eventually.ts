import { setTimeout as delay } from 'node:timers/promises';

/** Tries an assertion until it holds; after ten seconds its failure is the test's. */
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
