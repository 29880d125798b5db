import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** The variable that marks every process of a run, to find those that left their group. */
export const markerVariable = 'DELIVER_RUN';

/** Returns the mark of a step's processes. A run inside a step of another run has both marks. */
export function markerFor(run: string, step: string): string {
  return `${run}:${step}`;
}

/** The processes of a step or, without `step`, of a run. */
export interface Lineage {
  readonly run: string;
  readonly step?: string;
  /** The process group of the step. Its members count even without the mark. */
  readonly group?: number | undefined;
}

/** Returns the pids of all running processes of a run or a step, including daemons. */
export function findProcesses(lineage: Lineage): number[] {
  if (process.platform === 'linux') return findOnLinux(lineage);
  if (process.platform === 'win32') return [];
  return findOnUnix(lineage);
}

function findOnLinux(lineage: Lineage): number[] {
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) return [];
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (state === 'Z' || state === 'X') return [];
      if (lineage.group !== undefined && Number(group) === lineage.group) return [pid];
      const environment = readFileSync(`/proc/${pid}/environ`, 'latin1');
      const mark = environment.split('\0').find((variable) => variable.startsWith(`${markerVariable}=`));
      return mark && carries(mark.slice(markerVariable.length + 1), lineage) ? [pid] : [];
    } catch {
      return []; // it has just ended, or belongs to another user
    }
  });
}

function findOnUnix(lineage: Lineage): number[] {
  // `e` appends the environment to the command of the user's processes.
  const listing = execFileSync('ps', ['-axeww', '-o', 'pid=,pgid=,stat=,command='], { encoding: 'utf8', maxBuffer: 64 << 20 });
  return listing.split('\n').flatMap((line) => {
    const [, pid, group, state, command] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    if (!pid || Number(pid) === process.pid || state?.startsWith('Z')) return [];
    if (lineage.group !== undefined && Number(group) === lineage.group) return [Number(pid)];
    const mark = new RegExp(`\\s${markerVariable}=([^\\s=]+(?: [^\\s=]+:[^\\s=]+)*)`).exec(command ?? '')?.[1];
    return mark && carries(mark, lineage) ? [Number(pid)] : [];
  });
}

function carries(mark: string, { run, step }: Lineage): boolean {
  return mark.split(' ').some((each) => (step === undefined ? each.startsWith(`${run}:`) : each === markerFor(run, step)));
}

/**
 * Ends all processes of a run or a step with TERM, and with KILL after `graceMs`. Resolves when none of them is
 * running.
 */
export async function endProcesses(lineage: Lineage, graceMs: number): Promise<void> {
  if (process.platform === 'win32') {
    if (lineage.group !== undefined) endTreeOnWindows(lineage.group);
    return;
  }
  const deadline = Date.now() + graceMs;
  const signalled = new Set<number>();
  for (let left = findProcesses(lineage); left.length > 0; left = findProcesses(lineage)) {
    for (const pid of left) {
      if (Date.now() >= deadline) send(pid, 'SIGKILL');
      else if (!signalled.has(pid)) send(pid, 'SIGTERM');
      signalled.add(pid);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has just ended.
  }
}

function endTreeOnWindows(pid: number): void {
  try {
    execFileSync('taskkill', ['/pid', String(pid), '/T', '/F'], { stdio: 'ignore', windowsHide: true });
  } catch {
    // It has already ended.
  }
}
