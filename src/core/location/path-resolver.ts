import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Repository } from '../git/repository';
import { listTree } from '../git/tree';
import type { FoundProblem, Frame } from '../model/problem';
import type { RepositoryHome } from '../support/home';
import type { SourceMaps } from './source-maps';

/** The folders that contain the files of a delivered change. All absolute. */
export interface CheckoutRoots {
  /** The slot's checkout, as long as it contains that change. */
  readonly slot?: string;
  /** The service's folder relative to the root, with `/`; empty for the root. */
  readonly folder: string;
  /** The user's working copy. */
  readonly repository: string;
  /** The tool ran on another machine, so its absolute paths are not those of this machine. */
  readonly isElsewhere?: true;
}

/** A place in the delivered tree. */
export interface Place {
  /** Relative to the repository's root, with `/`. */
  readonly path: string;
  readonly line?: number;
  readonly column?: number;
}

/** Libraries, runtimes and package caches. They are never delivered code. */
const libraryPath =
  /(^node:|^<|(^|\/)(node_modules|site-packages|dist-packages|\.cargo\/registry|\.rustup|go\/pkg\/mod|\.m2|\.gradle|vendor\/bundle|gems)\/|^\/(rustc|usr\/(lib|share|local\/lib|local\/go))\/)/;

/** Outer calls say nothing about a failure. */
const maxFrames = 12;

/** Finds the place in the delivered tree for a path that a tool printed. */
export class PathResolver {
  private maps: Promise<SourceMaps> | undefined;
  private readonly roots: readonly string[];
  private readonly known = new Map<string, string | undefined>();
  private tree: Promise<TreePaths> | undefined;

  constructor(
    private readonly checkout: CheckoutRoots,
    private readonly loadTree: () => Promise<TreePaths>,
  ) {
    const roots = [...(checkout.slot === undefined ? [] : [checkout.slot]), checkout.repository];
    this.roots = [...new Set(roots.flatMap((root) => [root, real(root)]))];
  }

  /** Returns the place of a problem, or of the innermost call of its stack in delivered code. Never a guess. */
  async place(problem: FoundProblem): Promise<Place | undefined> {
    const named: Frame[] = problem.file === undefined ? [] : [{ ...problem, file: problem.file }];
    for (const frame of [...named, ...(problem.frames ?? [])]) {
      const place = await this.placeOf(frame);
      if (place) return place;
    }
    return undefined;
  }

  /** Returns the files of the tree in the stack of a problem, innermost call first. */
  async filesOnStack({ frames = [] }: FoundProblem): Promise<string[]> {
    const places = await Promise.all(frames.slice(0, maxFrames).map(async (frame) => this.placeOf(frame)));
    return [...new Set(places.flatMap((place) => place?.path ?? []))];
  }

  private async placeOf(frame: Frame): Promise<Place | undefined> {
    const printed = plainPath(frame.file);
    if (printed === undefined || libraryPath.test(printed)) return undefined;
    const tree = await (this.tree ??= this.loadTree());
    if (!this.known.has(printed)) this.known.set(printed, this.inTree(printed, tree));
    const known = this.known.get(printed);
    if (known !== undefined) return { path: known, ...position(frame) };
    return this.sourceOf(printed, frame, tree);
  }

  private inTree(printed: string, tree: TreePaths): string | undefined {
    if (!isAbsolute(printed)) return tree.relative(printed) ?? tree.bySuffix(printed, false);
    for (const root of this.roots) {
      const inside = within(root, printed);
      if (inside !== undefined) return tree.has(inside) ? inside : undefined;
    }
    // A file of this machine outside the slot is not delivered code.
    return !this.checkout.isElsewhere && fs.existsSync(printed) ? undefined : tree.bySuffix(printed, true);
  }

  /** Generated code is not in the tree, but its source may be. */
  private async sourceOf(printed: string, frame: Frame, tree: TreePaths): Promise<Place | undefined> {
    const { slot, folder } = this.checkout;
    if (frame.line === undefined || slot === undefined) return undefined;
    const candidates = isAbsolute(printed) ? [printed] : [path.join(slot, folder), slot].map((root) => path.join(root, printed));
    const generated = candidates.find((file) => within(slot, file) !== undefined && fs.existsSync(file));
    if (generated === undefined) return undefined;
    this.maps ??= import('./source-maps').then((loaded) => new loaded.SourceMaps());
    const source = (await this.maps).sourceOf(generated, frame.line, frame.column);
    const inside = source && within(slot, source.file.split(path.sep).join('/'));
    if (!source || inside === undefined || !tree.has(inside)) return undefined;
    return { path: inside, line: source.line, column: source.column };
  }
}

function position({ line, column }: Frame): { line?: number; column?: number } {
  return { ...(line !== undefined && line > 0 && { line }), ...(line !== undefined && column !== undefined && column > 0 && { column }) };
}

/** Returns a path with `/` and without a scheme, or undefined for a URL. */
function plainPath(printed: string): string | undefined {
  try {
    const file = printed.startsWith('file://') ? fileURLToPath(printed) : printed;
    if (/^[a-z][\w+.-]+:\/\//i.test(file)) return file.startsWith('webpack://') ? file.replace(/^webpack:\/\/[^/]*\//, '') : undefined;
    return file.includes('\0') ? undefined : file.replace(/\\/g, '/');
  } catch {
    return undefined;
  }
}

function isAbsolute(file: string): boolean {
  return file.startsWith('/') || /^[A-Za-z]:\//.test(file);
}

function within(root: string, file: string): string | undefined {
  const from = root.split(path.sep).join('/').replace(/\/$/, '');
  if (!file.startsWith(`${from}/`)) return undefined;
  const inside = path.posix.normalize(file.slice(from.length + 1));
  return inside.startsWith('..') ? undefined : inside;
}

function real(folder: string): string {
  try {
    return fs.realpathSync(folder);
  } catch {
    return folder;
  }
}

/** Finds files of a delivered tree by a printed path. */
export class TreePaths {
  private readonly files: ReadonlySet<string>;
  private byName: Map<string, string[]> | undefined;

  constructor(
    paths: readonly string[],
    /** The service's folder in the tree, with `/`; empty for the root. */
    private readonly folder: string,
  ) {
    this.files = new Set(paths);
  }

  /** Returns the file for a path that is relative to the service or the root. */
  relative(printed: string): string | undefined {
    return [this.join(printed), normalize(printed)].find((path) => path !== undefined && this.files.has(path));
  }

  /**
   * Returns the file for a path whose first folders do not exist in the tree, such as those of a container, another
   * machine or a source root. The rest must name a file of the service or a single file of the tree.
   */
  bySuffix(printed: string, isAbsolute: boolean): string | undefined {
    const parts = printed.split('/').filter((part) => part !== '' && part !== '.');
    if (parts.includes('..')) return undefined;
    // A relative path must match with all its folders.
    const shortest = isAbsolute ? Math.min(2, parts.length) : parts.length;
    for (let length = parts.length; length >= 1; length--) {
      const suffix = parts.slice(-length).join('/');
      const direct = isAbsolute ? this.relative(suffix) : undefined;
      if (direct !== undefined && (length > 1 || parts.length <= 2)) return direct;
      if (length < shortest) continue;
      const candidates = (this.names().get(parts.at(-1) ?? '') ?? []).filter((path) => path === suffix || path.endsWith(`/${suffix}`));
      if (candidates.length === 1) return candidates[0];
      const inService = candidates.filter((path) => this.folder !== '' && path.startsWith(`${this.folder}/`));
      if (inService.length === 1) return inService[0];
      if (candidates.length > 1) return undefined;
    }
    return undefined;
  }

  has(path: string): boolean {
    return this.files.has(path);
  }

  private join(printed: string): string | undefined {
    return normalize(this.folder === '' ? printed : `${this.folder}/${printed}`);
  }

  private names(): Map<string, string[]> {
    if (this.byName) return this.byName;
    this.byName = new Map();
    for (const path of this.files) {
      const name = path.slice(path.lastIndexOf('/') + 1);
      const same = this.byName.get(name);
      if (same) same.push(path);
      else this.byName.set(name, [path]);
    }
    return this.byName;
  }
}

/** Resolves `.` and `..`. Returns undefined for a path out of the tree. */
function normalize(path: string): string | undefined {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join('/');
}

/** Returns the files of a tree or a commit, or none if it does not exist. */
export async function treePaths(repository: Repository, home: RepositoryHome, tree: string, folder: string): Promise<TreePaths> {
  const listing = await listTree(repository, home, tree);
  const paths = listing.ok ? listing.value.map((entry) => entry.path) : [];
  return new TreePaths(paths, folder);
}
