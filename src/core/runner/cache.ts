import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { createHash } from 'node:crypto';
import { draftSuffix, fileNames, writeTextAtomically } from '../support/files';
import { isNumber, isText, listOf, optional, readCached, shape } from '../support/record';
import type { StepProblem } from '../logs/problem-reporter';
import { basesOf, type ListedFile, listFiles, matcher } from '../support/globs';
import type { Pipeline, Step } from '../model/pipeline';
import { hasProcess } from '../process/process-identity';

/** The record of a step that passed. */
export interface Fingerprint {
  readonly key: string;
  /** The run that executed the step, and the step's log in that run. */
  readonly run: string;
  readonly log: string;
  readonly outputs: readonly ListedFile[];
  /** The warnings of the step. */
  readonly problems?: readonly StepProblem[];
}

/** The maximum size of all archives of a repository, in bytes. */
const maxBytes = 5 * 2 ** 30;
const dayMs = 86_400_000;

/**
 * The cache of passed steps, by key, with their outputs. The outputs are either still in the slot, unchanged, or in an
 * archive that can be restored into any slot.
 */
export class StepCache {
  constructor(
    private readonly folder: string,
    /** The folder of this slot's fingerprints: beside its checkout, never in it. */
    private readonly fingerprints: string,
    private readonly serviceFolder: string,
  ) {}

  /** Restores the outputs of an earlier pass and returns its fingerprint, or undefined if the step must run. */
  async recall(step: string, key: string, globs: readonly string[]): Promise<Fingerprint | undefined> {
    const here = readFingerprint(this.inSlot(step));
    if (here?.key === key && sameOutputs(here.outputs, listFiles(this.serviceFolder, globs))) return here;
    const kept = readFingerprint(this.archive(key, 'json'));
    if (!kept) return undefined;
    this.forget(step);
    const outputs = await this.restore(key, kept, globs);
    if (!outputs) return undefined;
    this.write(this.inSlot(step), { ...kept, outputs });
    return kept;
  }

  /** Removes the slot's fingerprint, so that a step that does not finish is not taken for passed. */
  forget(step: string): void {
    fs.rmSync(this.inSlot(step), { force: true });
  }

  /** Stores a step that has just passed, with its outputs. Outputs that cannot be archived are not a failure. */
  async keep(step: string, passed: Omit<Fingerprint, 'outputs'>, globs: readonly string[]): Promise<void> {
    const outputs = listFiles(this.serviceFolder, globs);
    const fingerprint: Fingerprint = { ...passed, outputs };
    if (outputs.length === 0 || (await this.pack(passed.key, outputs))) this.write(this.archive(passed.key, 'json'), fingerprint);
    this.write(this.inSlot(step), fingerprint);
  }

  private async restore(key: string, kept: Fingerprint, globs: readonly string[]): Promise<ListedFile[] | undefined> {
    removeOutputs(this.serviceFolder, globs);
    if (kept.outputs.length === 0) return [];
    const archive = this.archive(key, 'tar');
    if (!(await tar(['-xpf', archive, '-C', this.serviceFolder]))) return undefined;
    const outputs = listFiles(this.serviceFolder, globs);
    if (!restoredOutputs(kept.outputs, outputs)) return undefined;
    const now = new Date();
    fs.utimesSync(archive, now, now);
    return outputs;
  }

  private async pack(key: string, outputs: readonly ListedFile[]): Promise<boolean> {
    fs.mkdirSync(this.folder, { recursive: true });
    const draft = this.archive(key, `${process.pid}${draftSuffix}`);
    const names = outputs.map((file) => file.path).join('\0');
    const packed = await tar(['-cf', draft, '-C', this.serviceFolder, '--null', '-T', '-'], names);
    if (packed) fs.renameSync(draft, this.archive(key, 'tar'));
    else fs.rmSync(draft, { force: true });
    return packed;
  }

  private write(file: string, fingerprint: Fingerprint): void {
    writeTextAtomically(file, JSON.stringify(fingerprint), { durable: false });
  }

  private inSlot(step: string): string {
    return path.join(this.fingerprints, `${step}.json`);
  }

  private archive(key: string, ending: string): string {
    return path.join(this.folder, `${key}.${ending}`);
  }
}

/** Removes the entries that a killed run did not finish: nobody writes them any more. */
function removeStaleDrafts(folder: string): void {
  for (const name of fileNames(folder)) {
    const pid = /\.(\d+)\.draft$/.exec(name)?.[1];
    const age = Date.now() - (fs.statSync(path.join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0);
    // The pid may belong to another process by now.
    if (pid !== undefined && (!hasProcess(Number(pid)) || age > dayMs)) fs.rmSync(path.join(folder, name), { force: true });
  }
}

/** Removes the least recently used archives of a cache until the size of all its entries is at most `maxTotal` bytes. */
export function tidyArchives(folder: string, maxTotal = maxBytes): void {
  removeStaleDrafts(folder);
  const archives = fileNames(folder)
    .filter((name) => name.endsWith('.tar') || name.endsWith(draftSuffix))
    .map((name) => ({ name, stat: fs.statSync(path.join(folder, name), { throwIfNoEntry: false }) }))
    .flatMap(({ name, stat }) => (stat ? [{ name, size: stat.size, used: stat.mtimeMs }] : []))
    .sort((a, b) => b.used - a.used);
  let total = 0;
  for (const { name, size } of archives) {
    total += size;
    if (total <= maxTotal || name.endsWith(draftSuffix)) continue;
    fs.rmSync(path.join(folder, name.replace(/tar$/, 'json')), { force: true });
    fs.rmSync(path.join(folder, name), { force: true });
  }
}

const isProblem = shape({ severity: isText, message: isText, source: isText });
const isFile = shape({ path: isText, size: isNumber, mtimeMs: isNumber });
const isFingerprint = shape({ key: isText, run: isText, log: isText, outputs: listOf(isFile), problems: optional(listOf(isProblem)) });

function readFingerprint(file: string): Fingerprint | undefined {
  return readCached<Fingerprint>(file, isFingerprint);
}

/** Calls the system's tar, which keeps links, modes and times and exists on Linux, macOS and Windows. */
async function tar(args: readonly string[], input?: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child = execFile('tar', args, { windowsHide: true, maxBuffer: 1 << 24 }, (error) => resolve(!error));
    child.stdin?.on('error', () => {}); // tar ended early: its exit code reports it
    child.stdin?.end(input ?? '');
  });
}

/** Returns true if both lists have the same files, sizes and exact modification times. */
export function sameOutputs(a: readonly ListedFile[], b: readonly ListedFile[]): boolean {
  return haveSameFiles(a, b, (x, y) => x.mtimeMs === y.mtimeMs);
}

/** Returns true if an archive restored all files. Archives keep modification times in whole seconds. */
export function restoredOutputs(kept: readonly ListedFile[], found: readonly ListedFile[]): boolean {
  return haveSameFiles(kept, found, (x, y) => Math.floor(x.mtimeMs / 1000) === Math.floor(y.mtimeMs / 1000));
}

function haveSameFiles(a: readonly ListedFile[], b: readonly ListedFile[], sameTime: (a: ListedFile, b: ListedFile) => boolean): boolean {
  return (
    a.length === b.length && a.every((x, i) => b[i] !== undefined && x.path === b[i].path && x.size === b[i].size && sameTime(x, b[i]))
  );
}

/** Removes the files that match the globs, so that no stale file remains among restored ones. */
export function removeOutputs(folder: string, globs: readonly string[]): void {
  for (const file of listFiles(folder, globs)) fs.rmSync(path.join(folder, file.path), { force: true });
}

/** A file of the delivered tree: its path relative to the service's folder and its git blob id. */
export interface TreeFile {
  readonly path: string;
  readonly mode: string;
  readonly id: string;
}

/** The mode that git gives a submodule in a tree. */
const submodule = '160000';

/** The version of the key format. A new version invalidates older keys. */
const version = 1;

/**
 * Returns the keys of the cacheable steps by name: the hash of the command, the environment, the keys of the needs and the
 * blob ids of the inputs. No file is read. A step that has no `inputs`, deploys or verifies has no key, nor has any step
 * that needs one without a key: they run every time.
 */
export function stepKeys(pipeline: Pipeline, folder: string, tree: readonly TreeFile[]): ReadonlyMap<string, string> {
  const keys = new Map<string, string>();
  const pending = new Set(pipeline.steps);
  for (let before = -1; pending.size !== before;) {
    before = pending.size;
    for (const step of pending) {
      if (!isCacheable(step)) pending.delete(step);
      else if (step.needs.every((need) => keys.has(need))) {
        keys.set(step.name, keyOf(step, folder, tree, keys));
        pending.delete(step);
      }
    }
  }
  return keys;
}

function isCacheable(step: Step): boolean {
  return step.run !== undefined && step.inputs !== undefined && step.verifies === undefined;
}

function keyOf(step: Step, folder: string, tree: readonly TreeFile[], keys: ReadonlyMap<string, string>): string {
  const isInput = matcher(step.inputs ?? []);
  const bases = basesOf(step.inputs ?? []);
  const hash = createHash('sha256');
  const parts = [
    version,
    process.platform,
    process.arch,
    folder,
    step.run,
    step.env,
    step.secrets,
    step.outputs,
    step.needs.map((need) => keys.get(need)),
  ];
  hash.update(JSON.stringify(parts));
  for (const file of tree) {
    if (isInput(file.path) || (file.mode === submodule && mayContain(file.path, bases)))
      hash.update(`\0${file.mode} ${file.id} ${file.path}`);
  }
  return hash.digest('hex');
}

/** Returns true if a submodule may contain inputs. The tree has only its commit, not its files. */
function mayContain(folder: string, bases: readonly string[]): boolean {
  return bases.some((base) => base === '' || `${folder}/`.startsWith(`${base}/`) || base.startsWith(`${folder}/`));
}
