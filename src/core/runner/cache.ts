import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { createHash } from 'node:crypto';
import { draftSuffix, fileNames, writeTextAtomically } from '../support/files';
import { isNumber, isText, listOf, optional, readCached, shape } from '../support/record';
import type { StepProblem } from '../logs/problem-reporter';
import { basesOf, type ListedFile, matcher } from '../support/globs';
import type { Pipeline, Step } from '../model/pipeline';
import { fail, messageOf, ok, type Result } from '../model/result';
import { haveRealFolders, linkOutside, listOutputs, removeOutputs, undeclaredFiles, unmatchedGlobs, unmatchedText } from './outputs';
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
  /** Files that the step created and that are no outputs. Only the checkout that has them has a hit. */
  readonly undeclared?: readonly string[];
}

interface CacheOptions {
  /** The checkout that contains the service's folder. */
  readonly checkout?: string;
  readonly steps?: readonly Step[];
  /** The paths of the delivered files, relative to the service's folder. They are never removed. */
  readonly tracked?: readonly { readonly path: string }[];
  /** No earlier pass counts. */
  readonly isClean?: boolean;
}

/** The maximum size of all archives of a repository, in bytes. */
const maxBytes = 5 * 2 ** 30;
const dayMs = 86_400_000;

/**
 * The cache of passed steps, by key, with their outputs. The outputs are either still in the slot, unchanged, or in an
 * archive that can be restored into any slot.
 */
export class StepCache {
  /** The outputs of the steps that have passed in this run. */
  private readonly produced = new Map<string, readonly ListedFile[]>();
  private trackedPaths: ReadonlySet<string> | undefined;

  constructor(
    private readonly folder: string,
    /** The folder of this slot's fingerprints: beside its checkout, never in it. */
    private readonly fingerprints: string,
    private readonly serviceFolder: string,
    private readonly options: CacheOptions = {},
  ) {}

  /** Returns why the outputs of a step cannot be kept, or undefined: nothing outside the checkout is removed or written. */
  refusal(step: Pick<Step, 'name' | 'outputs'>): string | undefined {
    const { checkout = this.serviceFolder } = this.options;
    const link = step.outputs.length === 0 ? undefined : linkOutside(this.serviceFolder, checkout, step.outputs);
    return link === undefined
      ? undefined
      : `the outputs of ${step.name} are below ${link}, a symbolic link that leads out of the checkout. Outputs must be files of the checkout`;
  }

  /** Restores the outputs of an earlier pass and returns its fingerprint, or undefined if the step must run. */
  async recall(step: string, key: string, globs: readonly string[]): Promise<Fingerprint | undefined> {
    if (this.options.isClean) return undefined;
    const here = readFingerprint(this.inSlot(step));
    if (here?.key === key && this.stillHere(here) && sameOutputs(here.outputs, this.outputsOf(step, globs))) {
      this.produced.set(step, here.outputs);
      return here;
    }
    const kept = readFingerprint(this.archive(key, 'json'));
    if (!kept) return undefined;
    this.forget(step);
    const outputs = await this.restore(step, key, kept, globs);
    if (!outputs) return undefined;
    this.produced.set(step, outputs);
    this.write(this.inSlot(step), { ...kept, outputs });
    return kept;
  }

  /** Removes the outputs of a step that is about to run, so that none of an earlier run remains. */
  begin(step: string, globs: readonly string[]): Result<void> {
    this.forget(step);
    try {
      this.removeOutputs(step, globs);
    } catch (error) {
      return fail('delivery', `the outputs of the last run of ${step} could not be removed: ${messageOf(error)}`);
    }
    fs.mkdirSync(this.fingerprints, { recursive: true });
    fs.writeFileSync(this.marker(step), '');
    return ok(undefined);
  }

  /** Notes that a step passed: no other step of the run removes its outputs. */
  note(step: string, globs: readonly string[]): readonly ListedFile[] {
    const outputs = this.outputsOf(step, globs);
    this.produced.set(step, outputs);
    return outputs;
  }

  /** Removes outputs of earlier runs that no step lists any more, such as those of a renamed folder. */
  removeFormerOutputs(): void {
    const { checkout = this.serviceFolder, steps = [] } = this.options;
    const record = path.join(this.fingerprints, 'outputs');
    const globs = steps.map(({ outputs }) => outputs).filter((outputs) => outputs.length > 0);
    const before = readCached<string[][]>(record, listOf(listOf(isText))) ?? [];
    if (JSON.stringify(globs) === JSON.stringify(before)) return;
    const isListed = globs.map((outputs) => matcher(outputs));
    for (const former of before) {
      if (linkOutside(this.serviceFolder, checkout, former) !== undefined) continue;
      removeOutputs(this.serviceFolder, former, (name) => this.isTracked(name) || isListed.some((matches) => matches(name)));
    }
    writeTextAtomically(record, JSON.stringify(globs), { durable: false });
  }

  /** Removes the slot's fingerprint, so that a step that does not finish is not taken for passed. */
  forget(step: string): void {
    fs.rmSync(this.inSlot(step), { force: true });
  }

  /**
   * Stores a step that has just passed, with its outputs. Outputs that cannot be archived are not a failure. Returns a notice if
   * the step is not cached, or in this checkout only.
   */
  async keep(step: string, passed: Omit<Fingerprint, 'outputs'>, globs: readonly string[]): Promise<string | undefined> {
    const outputs = this.note(step, globs);
    const paths = outputs.map((file) => file.path.replace(/\/$/, ''));
    const unmatched = unmatchedGlobs(globs, paths);
    if (unmatched.length > 0) return `${step} is not cached: ${unmatchedText('outputs', unmatched)}`;
    const undeclared = globs.length > 0 || !this.isNeeded(step) ? [] : await this.undeclaredFilesOf(step);
    const fingerprint: Fingerprint = { ...passed, outputs, ...(undeclared.length > 0 && { undeclared }) };
    const isPortable = undeclared.length === 0;
    if (isPortable && (outputs.length === 0 || (await this.pack(passed.key, outputs))))
      this.write(this.archive(passed.key, 'json'), fingerprint);
    this.write(this.inSlot(step), fingerprint);
    return isPortable ? undefined : `${step} is cached in this checkout only: list ${undeclared.slice(0, 3).join(', ')} in its outputs`;
  }

  /** Returns the matching files, without those of steps that this one does not need. */
  private outputsOf(step: string, globs: readonly string[]): ListedFile[] {
    const files = listOutputs(this.serviceFolder, globs);
    const needed = this.needsOf(step);
    const others = this.producedBy(globs, (name) => name !== step && !needed.has(name));
    return others.size === 0 ? files : files.filter((file) => !others.has(file.path));
  }

  private removeOutputs(step: string, globs: readonly string[]): void {
    if (globs.length === 0) return;
    const others = this.producedBy(globs, (name) => name !== step);
    removeOutputs(this.serviceFolder, globs, (name) => this.isTracked(name) || others.has(name));
  }

  private isTracked(name: string): boolean {
    this.trackedPaths ??= new Set(this.options.tracked?.map((file) => file.path));
    return this.trackedPaths.has(name);
  }

  /** Returns the outputs of other steps of this run in the folders of the globs. */
  private producedBy(globs: readonly string[], isWanted: (step: string) => boolean): ReadonlySet<string> {
    const others = (this.options.steps ?? []).filter(({ name, outputs }) => isWanted(name) && overlap(outputs, globs));
    return new Set(others.flatMap(({ name }) => this.produced.get(name)?.map((file) => file.path) ?? []));
  }

  private needsOf(step: string): ReadonlySet<string> {
    const needs = new Set<string>();
    const pending = [step];
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      for (const need of this.options.steps?.find((one) => one.name === name)?.needs ?? []) {
        if (!needs.has(need)) pending.push(need);
        needs.add(need);
      }
    }
    return needs;
  }

  private isNeeded(step: string): boolean {
    return this.options.steps?.some(({ needs }) => needs.includes(step)) ?? false;
  }

  private async undeclaredFilesOf(step: string): Promise<string[]> {
    const { steps = [] } = this.options;
    const declared = steps.flatMap(({ outputs, reports }) => [...outputs, ...reports]);
    return undeclaredFiles(this.serviceFolder, this.marker(step), matcher(declared));
  }

  private stillHere({ undeclared = [] }: Fingerprint): boolean {
    return undeclared.every((name) => fs.existsSync(path.join(this.serviceFolder, name)));
  }

  private async restore(
    step: string,
    key: string,
    kept: Fingerprint,
    globs: readonly string[],
  ): Promise<readonly ListedFile[] | undefined> {
    try {
      this.removeOutputs(step, globs);
    } catch {
      return undefined;
    }
    if (kept.outputs.length === 0) return [];
    if (!haveRealFolders(this.serviceFolder, kept.outputs)) return undefined;
    const archive = this.archive(key, 'tar');
    if (!(await tar(['-xpf', archive, '-C', this.serviceFolder]))) return undefined;
    const outputs = this.outputsOf(step, globs);
    if (!restoredOutputs(kept.outputs, outputs)) return undefined;
    const now = new Date();
    fs.utimesSync(archive, now, now);
    return outputs;
  }

  private async pack(key: string, outputs: readonly ListedFile[]): Promise<boolean> {
    fs.mkdirSync(this.folder, { recursive: true });
    const draft = this.archive(key, `${process.pid}${draftSuffix}`);
    const names = outputs.map((file) => file.path).join('\0');
    const packed = await tar(['-cf', draft, '-C', this.serviceFolder, '--no-recursion', '--null', '-T', '-'], names);
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

  /** A file whose time shows when the step began, in the clock of the file system. */
  private marker(step: string): string {
    return path.join(this.fingerprints, `${step}.began`);
  }

  private archive(key: string, ending: string): string {
    return path.join(this.folder, `${key}.${ending}`);
  }
}

/** Returns true if the outputs of two steps may be in the same folder, so that only one may run at a time. */
export function overlap(some: readonly string[], others: readonly string[]): boolean {
  const bases = basesOf(others);
  return basesOf(some).some((base) => mayContain(base, bases));
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
const isFingerprint = shape({
  key: isText,
  run: isText,
  log: isText,
  outputs: listOf(isFile),
  problems: optional(listOf(isProblem)),
  undeclared: optional(listOf(isText)),
});

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

/** A file of the delivered tree: its path relative to the service's folder and its git blob id. */
export interface TreeFile {
  readonly path: string;
  readonly mode: string;
  readonly id: string;
}

/** The mode that git gives a submodule in a tree. */
const submodule = '160000';

/** The version of the key format. A new version invalidates older keys. */
const version = 2;

/**
 * Returns the keys of the cacheable steps by name: the hash of the command, its environment, the keys of the needs and the
 * blob ids of the inputs. No file is read. A step that has no `inputs`, deploys or verifies has no key, nor has any step
 * that needs one without a key: they run every time.
 */
export function stepKeys(
  pipeline: Pipeline,
  folder: string,
  tree: readonly TreeFile[],
  env: NodeJS.ProcessEnv = {},
): ReadonlyMap<string, string> {
  const keys = new Map<string, string>();
  const pending = new Set(pipeline.steps);
  for (let before = -1; pending.size !== before;) {
    before = pending.size;
    for (const step of pending) {
      if (!isCacheable(step)) pending.delete(step);
      else if (step.needs.every((need) => keys.has(need))) {
        keys.set(step.name, keyOf(step, folder, tree, keys, env));
        pending.delete(step);
      }
    }
  }
  return keys;
}

/** Returns the `inputs` of a step that match no file of the tree. A submodule, whose files are not in the tree, may match. */
export function unmatchedInputs(
  { inputs = [] }: Pick<Step, 'inputs'>,
  tree: readonly TreeFile[],
  paths: readonly string[] = tree.map((file) => file.path),
): string[] {
  const unmatched = unmatchedGlobs(inputs, paths);
  if (unmatched.length === 0) return [];
  const submodules = tree.filter((file) => file.mode === submodule);
  return unmatched.filter((glob) => !submodules.some((file) => mayContain(file.path, basesOf([glob]))));
}

function isCacheable(step: Step): boolean {
  return step.run !== undefined && step.inputs !== undefined && step.verifies === undefined;
}

function keyOf(step: Step, folder: string, tree: readonly TreeFile[], keys: ReadonlyMap<string, string>, env: NodeJS.ProcessEnv): string {
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
    variablesOf(step, env),
  ];
  hash.update(JSON.stringify(parts));
  for (const file of tree) {
    if (isInput(file.path) || (file.mode === submodule && mayContain(file.path, bases)))
      hash.update(`\0${file.mode} ${file.id} ${file.path}`);
  }
  return hash.digest('hex');
}

/** The shell sets these, with other values than the environment. */
const shellVariables = new Set(['_', 'PWD', 'OLDPWD', 'SHLVL', 'RANDOM', 'SECONDS', 'LINENO', 'PPID', 'BASHPID', 'HOSTNAME']);

/**
 * Returns the variables of the environment, with their values, that the command names in any way (`${X}`, `%X%`, `process.env.X`,
 * `printenv X`) or that `env` lists without a value.
 */
function variablesOf({ run = '', env: own, inherits = [] }: Step, env: NodeJS.ProcessEnv): (readonly [string, string | undefined])[] {
  const named = run.match(/[A-Za-z_]\w*/g) ?? [];
  return [...new Set([...named, ...inherits])]
    .filter((name) => !(name in own) && !shellVariables.has(name) && (inherits.includes(name) || env[name] !== undefined))
    .sort()
    .map((name) => [name, env[name]]);
}

/** Returns true if a folder may contain inputs: a submodule, of which the tree has only the commit. */
function mayContain(folder: string, bases: readonly string[]): boolean {
  return bases.some((base) => base === '' || folder === '' || `${folder}/`.startsWith(`${base}/`) || base.startsWith(`${folder}/`));
}
