import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { pause } from '../support/pause';

/** The variable that marks every process of a run, to find those that left their group. */
export const markerVariable = 'DELIVER_RUN';

/** The descriptor that marks the processes of a step on Linux. It survives `env -i`, `setsid` and redirected output. */
export const markerDescriptor = 9;

/** Returns the mark of a step's processes. A run inside a step of another run has both marks. */
export function markerFor(run: string, step: string): string {
  return `${run}:${step}`;
}

/** Opens the file behind {@link markerDescriptor}, and removes its name. Undefined on other systems. */
export function openMarker(folder: string, run: string, step: string): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const file = path.join(folder, `.${markerFor(run, step)}`);
  const descriptor = fs.openSync(file, 'w');
  fs.rmSync(file);
  return descriptor;
}

/** The processes of a step or, without `step`, of a run. */
export interface Lineage {
  readonly run: string;
  readonly step?: string;
  /** The process group of the step. Its members count even without the mark. */
  readonly group?: number | undefined;
  /** The processes that descended from the step at some time. */
  readonly descendants?: Descendants;
}

interface ListedProcess {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** Distinguishes it from a later process with the same pid. */
  readonly startedAt: string;
  readonly command: () => string;
  /** The value of {@link markerVariable}, or else the mark in the name of its marker file. Empty if it has none. */
  readonly mark: () => string;
}

/** Returns the pids of all running processes of a run or a step, including daemons. */
export function findProcesses(lineage: Lineage): number[] {
  return membersOf(lineage).map(({ pid }) => pid);
}

function membersOf(lineage: Lineage): ListedProcess[] {
  if (process.platform === 'win32') return [];
  const all = (process.platform === 'linux' ? listOnLinux() : listOnUnix()).filter(({ pid }) => pid !== process.pid);
  const found = new Set(all.filter((each) => isMember(each, lineage)));
  addDescendants(found, all, (each) => !isForeign(each, lineage));
  return [...found];
}

function isMember(each: ListedProcess, lineage: Lineage): boolean {
  if (lineage.group !== undefined && each.group === lineage.group) return true;
  const mark = each.mark();
  return mark === '' ? (lineage.descendants?.includes(each) ?? false) : carries(mark, lineage);
}

/** A process with another mark, such as a release of an environment, lives on. */
function isForeign(each: ListedProcess, lineage: Lineage): boolean {
  const mark = each.mark();
  return mark !== '' && !carries(mark, lineage);
}

function addDescendants(found: Set<ListedProcess>, all: readonly ListedProcess[], counts: (each: ListedProcess) => boolean): void {
  const children = new Map<number, ListedProcess[]>();
  for (const each of all) children.set(each.parent, [...(children.get(each.parent) ?? []), each]);
  // A set also iterates over the members that are added meanwhile.
  for (const { pid } of found) for (const child of children.get(pid) ?? []) if (!found.has(child) && counts(child)) found.add(child);
}

function carries(mark: string, { run, step }: Lineage): boolean {
  return mark.split(' ').some((each) => (step === undefined ? each.startsWith(`${run}:`) : each === markerFor(run, step)));
}

const pollIntervalMs = 500;

/** Remembers the descendants of a process while it runs, because a process that lost its parent names only init. Linux only. */
export class Descendants {
  private readonly seen = new Map<number, string>();
  private readonly timer: NodeJS.Timeout | undefined;

  constructor(root: number) {
    if (process.platform === 'linux') this.timer = setInterval(() => this.look(root), pollIntervalMs).unref();
  }

  includes({ pid, startedAt }: ListedProcess): boolean {
    return this.seen.get(pid) === startedAt;
  }

  /** Ends those that have no mark: nothing else finds them later. Returns as {@link endProcesses}. */
  async endUnmarked(graceMs: number): Promise<string | undefined> {
    clearInterval(this.timer);
    return this.seen.size === 0 ? undefined : endProcesses({ run: '', step: '', descendants: this }, graceMs);
  }

  private look(root: number): void {
    const all = listOnLinux();
    const found = new Set(all.filter((each) => each.pid === root || this.includes(each)));
    addDescendants(found, all, () => true);
    this.seen.clear();
    for (const { pid, startedAt } of found) this.seen.set(pid, startedAt);
  }
}

function listOnLinux(): ListedProcess[] {
  return fs.readdirSync('/proc').flatMap((name) => {
    const pid = Number(name);
    const stat = Number.isInteger(pid) ? read(`/proc/${pid}/stat`) : undefined;
    if (stat === undefined) return [];
    // The name in the second field may contain spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, parent, group] = fields;
    if (state === 'Z' || state === 'X') return [];
    const command = (): string => read(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ').trim() ?? '';
    const mark = (): string => {
      const variables = read(`/proc/${pid}/environ`)?.split('\0');
      const variable = variables?.find((each) => each.startsWith(`${markerVariable}=`))?.slice(markerVariable.length + 1);
      return variable ?? /^\.(.+:.+) \(deleted\)$/.exec(path.basename(linkOf(`/proc/${pid}/fd/${markerDescriptor}`)))?.[1] ?? '';
    };
    return [{ pid, parent: Number(parent), group: Number(group), startedAt: fields[19] ?? '', command, mark }];
  });
}

/** Returns undefined if the process has just ended or belongs to another user. */
function read(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'latin1');
  } catch {
    return undefined;
  }
}

function linkOf(file: string): string {
  try {
    return fs.readlinkSync(file);
  } catch {
    return '';
  }
}

function listOnUnix(): ListedProcess[] {
  // `e` appends the environment to the command of the user's processes.
  const columns = 'pid=,ppid=,pgid=,stat=,command=';
  const listing = execFileSync('ps', ['-axeww', '-o', columns], { encoding: 'utf8', maxBuffer: 64 << 20 });
  return listing.split('\n').flatMap((line) => {
    const [, pid, parent, group, state, command = ''] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    if (!pid || state?.startsWith('Z')) return [];
    const mark = (): string => new RegExp(`\\s${markerVariable}=([^\\s=]+(?: [^\\s=]+:[^\\s=]+)*)`).exec(command)?.[1] ?? '';
    return [{ pid: Number(pid), parent: Number(parent), group: Number(group), startedAt: '', command: () => command, mark }];
  });
}

/** The time after KILL in which the system ends a process. */
const killMs = 2_000;

/**
 * Ends all processes of a run or a step with TERM, and with KILL after `graceMs`. Resolves when none of them is running, or with a
 * sentence that names those that cannot be ended, such as processes of another user.
 */
export async function endProcesses(lineage: Lineage, graceMs: number): Promise<string | undefined> {
  if (process.platform === 'win32') {
    if (lineage.group !== undefined) endTreeOnWindows(lineage.group);
    return undefined;
  }
  const deadline = Date.now() + graceMs;
  const signalled = new Set<number>();
  for (let left = membersOf(lineage); left.length > 0; left = membersOf(lineage)) {
    const isLate = Date.now() >= deadline;
    const refused = left.filter(({ pid }) => {
      if (!isLate && signalled.has(pid)) return false;
      signalled.add(pid);
      return !send(pid, isLate ? 'SIGKILL' : 'SIGTERM');
    });
    if (isLate && (refused.length === left.length || Date.now() >= deadline + killMs)) return remainder(left);
    await pause(20);
  }
  return undefined;
}

function remainder(left: readonly ListedProcess[]): string {
  const names = left.slice(0, 3).map(({ pid, command }) => `process ${pid} (${command().slice(0, 80)})`);
  const more = left.length > names.length ? ` and ${left.length - names.length} more` : '';
  const reason = left.every(({ pid }) => !send(pid, 0)) ? ', because it belongs to another user' : '';
  return `${names.join(', ')}${more} could not be ended${reason}: end it by hand`;
}

/** Returns false if the process belongs to another user. */
function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EPERM'; // else it has just ended
  }
}

function endTreeOnWindows(pid: number): void {
  try {
    execFileSync('taskkill', ['/pid', String(pid), '/T', '/F'], { stdio: 'ignore', windowsHide: true });
  } catch {
    // It has already ended.
  }
}
