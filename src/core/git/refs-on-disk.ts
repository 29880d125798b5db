import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileNames } from '../support/file-names';
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
