import * as fs from 'node:fs';
import * as path from 'node:path';
import { readTail } from '../support/file-tail';
import { fileNames } from '../support/files';
import type { Repository } from './repository';

/** `HEAD`. Both are absent in a repository that keeps its refs in a table. */
export interface Head {
  /** Absent for a detached `HEAD`. */
  readonly branch: string | undefined;
  /** Absent before the first commit. */
  readonly commit: string | undefined;
}

/** Returns `HEAD` without calling git. */
export function readHead({ gitFolder, commonGitFolder }: Repository): Head {
  const text = contentOf(path.join(gitFolder, 'HEAD')).trim();
  const branch = /^ref: refs\/heads\/(.+)$/.exec(text)?.[1];
  const commit = branch === undefined ? commitIn(text) : readRef(commonGitFolder, `refs/heads/${branch}`);
  return { branch, commit };
}

/** Returns the commit of a ref, from its file or from `packed-refs`. */
export function readRef(commonGitFolder: string, name: string): string | undefined {
  const loose = commitIn(contentOf(path.join(commonGitFolder, name)));
  if (loose !== undefined) return loose;
  const packed = contentOf(path.join(commonGitFolder, 'packed-refs'));
  const line = packed.split('\n').find((each) => each.endsWith(` ${name}`));
  return line === undefined ? undefined : commitIn(line.slice(0, -name.length - 1));
}

/**
 * Returns the refs that a push of a branch may update: its remote-tracking branches by the configuration, else
 * those of the same name. A custom layout (`remote.NAME.fetch`) is not supported.
 */
export function trackingRefs({ commonGitFolder }: Repository, branch: string): string[] {
  const { remote, pushremote: pushRemote, merge } = branchSettings(contentOf(path.join(commonGitFolder, 'config')), branch);
  const upstream = merge?.replace(/^refs\/heads\//, '') ?? branch;
  const configured = remote === undefined ? [] : [`${remote}/${upstream}`, `${pushRemote ?? remote}/${branch}`];
  const sameName = configured.length > 0 ? [] : remotes(commonGitFolder).map((name) => `${name}/${branch}`);
  return [...new Set([...configured, ...sameName])].map((name) => `refs/remotes/${name}`);
}

function branchSettings(config: string, branch: string): Record<string, string | undefined> {
  const section = `[branch "${branch.replace(/["\\]/g, '\\$&')}"]`;
  const lines = config.split(/\r?\n/).map((line) => line.trim());
  const settings: Record<string, string> = {};
  let isInside = false;
  for (const line of lines) {
    if (line.startsWith('[')) isInside = line === section;
    const [, key = '', value = ''] = /^(\w+)\s*=\s*"?([^"#;]*?)"?\s*$/.exec(line) ?? [];
    if (isInside && key !== '') settings[key.toLowerCase()] = value;
  }
  return settings;
}

function remotes(commonGitFolder: string): string[] {
  return [
    ...new Set([...fileNames(path.join(commonGitFolder, 'refs/remotes')), ...fileNames(path.join(commonGitFolder, 'logs/refs/remotes'))]),
  ];
}

function contentOf(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function commitIn(text: string): string | undefined {
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/.exec(text.trim())?.[1];
}

/** A line of a reflog: a ref moved from one commit to another. */
export interface RefMove {
  /** Absent if the ref is new. */
  readonly from?: string;
  readonly to: string;
  /** In milliseconds. git records seconds. */
  readonly at: number;
  /** git's own words, such as `commit (amend): Say hello`. */
  readonly message: string;
}

/** Far more than a reflog grows between two reads. */
const tailBytes = 256 * 1024;

/** Parses a line of a reflog. Returns undefined for another line, and for a ref that was deleted. */
export function refMove(line: string): RefMove | undefined {
  const [, from = '', to = '', seconds, message = ''] =
    /^([0-9a-f]{40,64}) ([0-9a-f]{40,64}) [^\t]*> (\d+) [^\t]*(?:\t(.*))?$/.exec(line) ?? [];
  if (to === '' || isZero(to)) return undefined;
  return { ...(!isZero(from) && { from }), to, at: Number(seconds) * 1000, message };
}

/** Reads the new lines of a reflog. git rewrites the file when it cleans up, so lines are compared and not sizes. */
export class Reflog {
  private lastLine: string | undefined;
  private stamp = '';

  constructor(readonly file: string) {}

  /** Whether git keeps a reflog for the ref. */
  get exists(): boolean {
    return fs.existsSync(this.file);
  }

  /** Returns the lines since the last call, oldest first. The first call returns the end of the file. */
  read(): RefMove[] {
    const stat = fs.statSync(this.file, { throwIfNoEntry: false });
    const stamp = stat ? `${stat.ino} ${stat.size} ${stat.mtimeMs}` : '';
    if (!stat || stamp === this.stamp) return [];
    this.stamp = stamp;
    const text = readTail(this.file, tailBytes);
    // The last line may be incomplete.
    const lines = text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .slice(0, -1);
    const moves = (this.lastLine === undefined ? lines : linesAfter(this.lastLine, lines)).flatMap((line) => refMove(line) ?? []);
    this.lastLine = lines.at(-1) ?? this.lastLine;
    return moves;
  }
}

/** Returns the lines after `last`, or the newer lines if git has removed it. */
function linesAfter(last: string, lines: readonly string[]): readonly string[] {
  const known = lines.lastIndexOf(last);
  if (known >= 0) return lines.slice(known + 1);
  const before = refMove(last);
  const first = lines.findIndex((line) => {
    const { at = 0, from } = refMove(line) ?? {};
    return before && (at > before.at || (at === before.at && from === before.to));
  });
  return first < 0 ? [] : lines.slice(first);
}

function isZero(commit: string): boolean {
  return /^0+$/.test(commit);
}

/** An operation of git that is in progress. `HEAD` is a temporary state then. */
export type GitOperation = 'rebase' | 'merge' | 'cherry-pick' | 'revert' | 'bisect' | 'am';

/** Returns the operation in progress in a working copy, without calling git. */
export function gitOperation(gitFolder: string): GitOperation | undefined {
  const has = (name: string): boolean => fs.existsSync(path.join(gitFolder, name));
  if (has('rebase-merge')) return 'rebase';
  if (has('rebase-apply')) return has('rebase-apply/applying') ? 'am' : 'rebase';
  if (has('MERGE_HEAD')) return 'merge';
  if (has('CHERRY_PICK_HEAD')) return 'cherry-pick';
  if (has('REVERT_HEAD')) return 'revert';
  if (has('sequencer/todo')) return operationInTodo(path.join(gitFolder, 'sequencer/todo'));
  return has('BISECT_LOG') ? 'bisect' : undefined;
}

/** Between two commits of a sequence, only the list of the remaining ones exists. */
function operationInTodo(todo: string): GitOperation | undefined {
  try {
    return fs.readFileSync(todo, 'utf8').startsWith('revert') ? 'revert' : 'cherry-pick';
  } catch {
    return undefined; // the operation has just ended
  }
}
