import * as fs from 'node:fs';
import * as path from 'node:path';
import { valueOf } from '../model/result';
import { execGit } from './git';

/** The file in a checkout's git folder that describes its last state. */
export const recordName = 'deliver-checkout';

export interface CheckoutRecord {
  readonly commit: string;
  /** The files that are less accessible than git makes them, with their modes. */
  readonly modes: Readonly<Record<string, number>>;
}

/** Returns undefined if the last state of the checkout is unknown. */
export function readRecord(gitFolder: string): CheckoutRecord | undefined {
  try {
    return JSON.parse(fs.readFileSync(path.join(gitFolder, recordName), 'utf8')) as CheckoutRecord;
  } catch {
    return undefined;
  }
}

export function writeRecord(gitFolder: string, record: CheckoutRecord, before: CheckoutRecord | undefined): void {
  const text = JSON.stringify(record);
  if (text !== JSON.stringify(before)) fs.writeFileSync(path.join(gitFolder, recordName), text);
}

/** Folders whose content depends on a manifest and not on single source files. Stale files are not searched in them. */
export const dependencyFolders = ['node_modules', '.venv', 'venv', 'vendor', '.yarn', '.pnpm-store', '.bundle', '.gradle', '.m2', '.tox'];

/**
 * Returns true if an ignored file has the name of a removed source or folder (`dist/tax.js` of `src/tax.ts`). A step that
 * builds on it would pass only in this checkout. `removed` is undefined if unknown: true if there is any ignored file.
 */
export async function findStaleFiles(root: string, removed: readonly string[] | undefined): Promise<boolean> {
  if (removed?.length === 0) return false;
  const listed = valueOf(await execGit(['ls-files', '--others', '--directory', '-z'], { folder: root })) ?? '';
  const kept = listed.split('\0').filter((name) => name !== '' && !name.split('/').some((part) => dependencyFolders.includes(part)));
  if (removed === undefined) return kept.length > 0;
  const stems = new Set(removed.flatMap((file) => [stemOf(path.posix.basename(file)), ...removedFolders(root, file)]));
  const isDerived = (name: string): boolean => {
    for (let end = name.length; end > 0; end--) {
      if ((end === name.length || !/[A-Za-z0-9]/.test(name.charAt(end))) && stems.has(name.slice(0, end))) return true;
    }
    return false;
  };
  const visit = (relative: string): boolean => {
    const file = path.join(root, relative);
    if (isDerived(path.basename(file))) return true;
    if (!fs.lstatSync(file, { throwIfNoEntry: false })?.isDirectory()) return false;
    return fs.readdirSync(file).some((name) => !dependencyFolders.includes(name) && visit(`${relative}/${name}`));
  };
  return kept.some((name) => visit(name.replace(/\/$/, '')));
}

/** Returns `tax` for `tax.ts`, and `.env` for `.env`. */
function stemOf(name: string): string {
  const dot = name.lastIndexOf('.');
  return dot <= 0 ? name : name.slice(0, dot);
}

/** Returns the names of the folders of a file that no longer exist. */
function removedFolders(root: string, file: string): string[] {
  const names: string[] = [];
  for (let folder = path.posix.dirname(file); folder !== '.'; folder = path.posix.dirname(folder)) {
    if (fs.existsSync(path.join(root, folder))) break;
    names.push(path.posix.basename(folder));
  }
  return names;
}

/**
 * Takes from the files of a checkout the access that the group and others lack in the working copy: git itself records only
 * whether a file is executable. Looks at the files that were written now and those that were restricted before. Returns the modes
 * of restricted files.
 */
export async function restrictModes(
  root: string,
  workingCopy: string,
  written: readonly string[],
  before: CheckoutRecord['modes'],
): Promise<CheckoutRecord['modes']> {
  if (process.platform === 'win32') return {};
  const modes: Record<string, number> = {};
  let isChanged = false;
  for (const name of new Set([...Object.keys(before), ...written])) {
    const [own, copy] = [statOf(path.join(workingCopy, name)), statOf(path.join(root, name))];
    if (!own?.isFile() || !copy?.isFile()) continue;
    const current = copy.mode & 0o777;
    const mode = current & (own.mode | 0o700);
    if (mode === current && before[name] !== mode) continue;
    modes[name] = mode;
    if (mode === current) continue;
    fs.chmodSync(path.join(root, name), mode);
    isChanged = true;
  }
  // Otherwise git takes these files for changed and writes them again.
  if (isChanged) await execGit(['update-index', '-q', '--refresh'], { folder: root });
  return modes;
}

function statOf(file: string): fs.Stats | undefined {
  try {
    return fs.lstatSync(file);
  } catch {
    return undefined;
  }
}
