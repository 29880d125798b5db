import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** The variable that every process of a run carries, so that those which left their group are found. */
export const markerVariable = 'DELIVER_RUN';

/** What a step's processes are marked with; a run inside a step of another run carries both marks. */
export function markerFor(run: string, step: string): string {
  return `${run}:${step}`;
}

/** What to look for: a step's own processes or, without `step`, those of the whole run. */
export interface Lineage {
  readonly run: string;
  readonly step?: string;
  /** The process group the step was started in; its members count even without the mark. */
  readonly group?: number;
}

/** The pids of all living processes of a run or a step, also of those that daemonized. */
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
      return []; // it ended while we looked, or belongs to somebody else
    }
  });
}

function findOnUnix(lineage: Lineage): number[] {
  // `e` appends the environment to the command of one's own processes.
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
  return mark.split(' ').some((one) => (step === undefined ? one.startsWith(`${run}:`) : one === markerFor(run, step)));
}

/**
 * Ends all processes of a run or a step: TERM, then KILL for what is left after `graceMs`. Resolves
 * when none of them runs any more.
 */
export async function endProcesses(lineage: Lineage, graceMs: number): Promise<void> {
  if (process.platform === 'win32') {
    if (lineage.group !== undefined) endTreeOnWindows(lineage.group);
    return;
  }
  const deadline = Date.now() + graceMs;
  const asked = new Set<number>();
  for (let left = findProcesses(lineage); left.length > 0; left = findProcesses(lineage)) {
    for (const pid of left) {
      if (Date.now() >= deadline) send(pid, 'SIGKILL');
      else if (!asked.has(pid)) send(pid, 'SIGTERM');
      asked.add(pid);
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
    // Nothing of it runs any more.
  }
}
