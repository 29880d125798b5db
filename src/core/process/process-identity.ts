import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { ProcessIdentity } from '../model/events';

/**
 * Returns the identity of a running process, or undefined if it has ended (or is a zombie). `startedAt`
 * distinguishes it from a later process with the same pid.
 */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const startedAt = startOf(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

/** Whether exactly this process is running: the same pid and the same start time. */
export function isAlive(identity: ProcessIdentity): boolean {
  return startOf(identity.pid) === identity.startedAt;
}

/** Returns the identity of this process. */
export function currentIdentity(): ProcessIdentity {
  const identity = identityOf(process.pid);
  if (!identity) throw new Error('the system does not list this process');
  return identity;
}

/** Starts no program on any system, but cannot tell a process from a later one with the same pid, or from a zombie. */
export function hasProcess(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function startOf(pid: number): string | undefined {
  if (process.platform === 'linux') return startOnLinux(pid);
  if (!hasProcess(pid)) return undefined;
  return process.platform === 'win32' ? startOnWindows(pid) : startOnUnix(pid);
}

/** Returns the ticks since boot (proc(5), field 22) with the id of the boot, because ticks repeat after a reboot. */
function startOnLinux(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in the second field may contain spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, ticks] = [fields[0], fields[19]];
    if (ticks === undefined || state === 'Z' || state === 'X') return undefined;
    return `${bootId()}-${ticks}`;
  } catch {
    return undefined;
  }
}

let boot: string | undefined;

function bootId(): string {
  return (boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').slice(0, 8));
}

function startOnUnix(pid: number): string | undefined {
  try {
    const [state, ...start] = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
    })
      .trim()
      .split(/\s+/);
    return state && !state.startsWith('Z') ? start.join(' ') : undefined;
  } catch {
    return undefined;
  }
}

function startOnWindows(pid: number): string | undefined {
  try {
    const command = `(Get-Process -Id ${pid} -ErrorAction Stop).StartTime.ToFileTimeUtc()`;
    return (
      execFileSync('powershell.exe', ['-NoProfile', '-NonInteractive', '-Command', command], {
        encoding: 'utf8',
        windowsHide: true,
      }).trim() || undefined
    );
  } catch {
    return undefined;
  }
}
