import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { project } from './places';

/**
 * Ends the deliveries and environments of one DELIVER_HOME, which outlive their window. Stops the environments first. On Linux it then
 * ends every process with this home in its environment.
 */
export async function endEverything(home: string): Promise<void> {
  const environments = path.join(home, 'environments');
  const names = fs.existsSync(environments) ? fs.readdirSync(environments) : [];
  for (const name of names) await stopEnvironment(name, home);
  for (let round = 0; ; round++) {
    const pids = processesOf(home);
    if (pids.length === 0) return;
    for (const pid of pids) end(pid, round < 30 ? 'SIGTERM' : 'SIGKILL');
    await delay(100);
  }
}

/** Returns the processes with this DELIVER_HOME in their environment. Works on Linux only. */
export function processesOf(home: string): number[] {
  if (process.platform !== 'linux') return [];
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && environmentOf(name).includes(`DELIVER_HOME=${home}`))
    .map(Number);
}

async function stopEnvironment(name: string, home: string): Promise<void> {
  try {
    const command = [path.join(project, 'dist/cli.js'), 'environment', 'stop', name, '--all', '--yes'];
    await promisify(execFile)(process.execPath, command, { env: { ...process.env, DELIVER_HOME: home }, timeout: 15_000 });
  } catch {
    // The environment has no supervisor, or its process is ended below.
  }
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
    // The process has ended.
  }
}
