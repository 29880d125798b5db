import { createInterface } from 'node:readline/promises';
import type { Terminal } from './terminal';

/** Asks for a confirmation. Returns false without a terminal. */
export async function agreed(question: string, terminal: Terminal): Promise<boolean> {
  if (!terminal.live || !process.stdin.isTTY) return false;
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await prompt.question(`${question} [y/N] `)).trim());
  } finally {
    prompt.close();
  }
}
