import * as fs from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Ends every process that was started with this DELIVER_HOME; resolves when none is left. */
export async function endEverything(home: string): Promise<void> {
  for (let round = 0; ; round++) {
    const pids = processesOf(home);
    if (pids.length === 0) return;
    for (const pid of pids) end(pid, round < 20 ? 'SIGTERM' : 'SIGKILL');
    await delay(100);
  }
}

/** The processes that have this DELIVER_HOME in their environment. */
export function processesOf(home: string): number[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && environmentOf(name).includes(`DELIVER_HOME=${home}`))
    .map(Number);
}

function environmentOf(pid: string): string[] {
  try {
    return fs.readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

function end(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended meanwhile.
  }
}
