import { createInterface } from 'node:readline/promises';
import type { Terminal } from './terminal';

/** A question that only a yes answers; without a person at a terminal nobody says yes. */
export async function agreed(question: string, terminal: Terminal): Promise<boolean> {
  if (!terminal.live || !process.stdin.isTTY) return false;
  const asked = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await asked.question(`${question} [y/N] `)).trim());
  } finally {
    asked.close();
  }
}
