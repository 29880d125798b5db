import * as fs from 'node:fs';
import * as path from 'node:path';
import { readTail } from '../support/file-tail';
import type { Repository } from './repository';

/** What `HEAD` is, as the disk tells it. A repository that keeps its refs in a table tells nothing here. */
export interface Head {
  /** Absent where no branch is checked out. */
  readonly branch?: string;
  /** Absent before the first commit. */
  readonly commit?: string;
}

export function readHead({ gitFolder, commonGitFolder }: Repository): Head {
  const text = contentOf(path.join(gitFolder, 'HEAD')).trim();
  const branch = /^ref: refs\/heads\/(.+)$/.exec(text)?.[1];
  const commit = branch === undefined ? commitIn(text) : readRef(commonGitFolder, `refs/heads/${branch}`);
  return { ...(branch !== undefined && { branch }), ...(commit !== undefined && { commit }) };
}

/** The commit that a ref names, whether it lies in a file of its own or was packed. */
export function readRef(commonGitFolder: string, name: string): string | undefined {
  const own = commitIn(contentOf(path.join(commonGitFolder, name)));
  if (own !== undefined) return own;
  const packed = contentOf(path.join(commonGitFolder, 'packed-refs'));
  const line = packed.split('\n').find((each) => each.endsWith(` ${name}`));
  return line === undefined ? undefined : commitIn(line.slice(0, -name.length - 1));
}

/**
 * Where a push of a branch is noted: its remote-tracking branches by the repository's configuration, and
 * those of the same name. A layout of one's own (`remote.NAME.fetch`) is not looked for.
 */
export function trackingRefs({ commonGitFolder }: Repository, branch: string): string[] {
  const { remote, pushremote: pushRemote, merge } = branchSettings(contentOf(path.join(commonGitFolder, 'config')), branch);
  const upstream = merge?.replace(/^refs\/heads\//, '') ?? branch;
  const named = remote === undefined ? [] : [`${remote}/${upstream}`, `${pushRemote ?? remote}/${branch}`];
  const same = named.length > 0 ? [] : remotes(commonGitFolder).map((name) => `${name}/${branch}`);
  return [...new Set([...named, ...same])].map((name) => `refs/remotes/${name}`);
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
    ...new Set([...namesIn(path.join(commonGitFolder, 'refs/remotes')), ...namesIn(path.join(commonGitFolder, 'logs/refs/remotes'))]),
  ];
}

function namesIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder);
  } catch {
    return [];
  }
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

/** One line of a reflog: how a ref came from one commit to another. */
export interface RefMove {
  /** Absent where the ref came into being. */
  readonly from?: string;
  readonly to: string;
  /** When, in milliseconds; git notes whole seconds. */
  readonly at: number;
  /** What git did, as in `commit (amend): Say hello`. */
  readonly message: string;
}

/** The end of a log that is read: far more than one look ever misses. */
const tailBytes = 256 * 1024;

export function refMove(line: string): RefMove | undefined {
  const [, from = '', to = '', seconds, message = ''] =
    /^([0-9a-f]{40,64}) ([0-9a-f]{40,64}) [^\t]*> (\d+) [^\t]*(?:\t(.*))?$/.exec(line) ?? [];
  if (to === '' || isNone(to)) return undefined;
  return { ...(!isNone(from) && { from }), to, at: Number(seconds) * 1000, message };
}

/** What a reflog gains from one look to the next. git rewrites the file when it cleans up: the lines tell, not the size. */
export class Reflog {
  private last: string | undefined;
  private stamp = '';

  constructor(readonly file: string) {}

  /** Whether git keeps one. */
  get exists(): boolean {
    return fs.existsSync(this.file);
  }

  /** The lines that came since the last call, oldest first; at the first call what stands at its end. */
  read(): RefMove[] {
    const stat = fs.statSync(this.file, { throwIfNoEntry: false });
    const stamp = stat ? `${stat.ino} ${stat.size} ${stat.mtimeMs}` : '';
    if (!stat || stamp === this.stamp) return [];
    this.stamp = stamp;
    const text = readTail(this.file, tailBytes);
    // A line is there when its end is.
    const lines = text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .slice(0, -1);
    const moves = (this.last === undefined ? lines : after(this.last, lines)).flatMap((line) => refMove(line) ?? []);
    this.last = lines.at(-1) ?? this.last;
    return moves;
  }
}

/** The lines after one that was the last; where it was cleaned up, those that are younger. */
function after(last: string, lines: readonly string[]): readonly string[] {
  const known = lines.lastIndexOf(last);
  if (known >= 0) return lines.slice(known + 1);
  const before = refMove(last);
  const first = lines.findIndex((line) => {
    const { at = 0, from } = refMove(line) ?? {};
    return before && (at > before.at || (at === before.at && from === before.to));
  });
  return first < 0 ? [] : lines.slice(first);
}

function isNone(commit: string): boolean {
  return /^0+$/.test(commit);
}

/** What git is in the middle of: what `HEAD` is then, nobody meant to keep. */
export type Operation = 'rebase' | 'merge' | 'cherry-pick' | 'revert' | 'bisect' | 'am';

/** What goes on in a working copy, as its own git folder tells it: without calling git. */
export function gitOperation(gitFolder: string): Operation | undefined {
  const has = (name: string): boolean => fs.existsSync(path.join(gitFolder, name));
  if (has('rebase-merge')) return 'rebase';
  if (has('rebase-apply')) return has('rebase-apply/applying') ? 'am' : 'rebase';
  if (has('MERGE_HEAD')) return 'merge';
  if (has('CHERRY_PICK_HEAD')) return 'cherry-pick';
  if (has('REVERT_HEAD')) return 'revert';
  if (has('sequencer/todo')) return picksIn(path.join(gitFolder, 'sequencer/todo'));
  return has('BISECT_LOG') ? 'bisect' : undefined;
}

/** Between two of several commits only the list of what is left tells. */
function picksIn(todo: string): Operation | undefined {
  try {
    return fs.readFileSync(todo, 'utf8').startsWith('revert') ? 'revert' : 'cherry-pick';
  } catch {
    return undefined; // it has just ended
  }
}
