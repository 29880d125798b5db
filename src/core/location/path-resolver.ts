import * as fs from 'node:fs';
import { builtinModules } from 'node:module';
import * as path from 'node:path';
import type { FoundProblem, Frame } from '../model/problem';
import { deployedRoot, libraryAt, parsePath, rootName, systemFolder, systemPath, type PrintedPath } from './printed-path';
import type { SourceMaps } from './source-maps';
import { commonEnd, normalize, type TreePaths } from './tree-paths';

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
  /** `feedback.paths`: a folder where the service runs, and the folder of the service that it contains. */
  readonly paths?: Readonly<Record<string, string>> | undefined;
}

/** A place in the delivered tree. */
export interface Place {
  /** Relative to the repository's root, with `/`. */
  readonly path: string;
  readonly line?: number;
  readonly column?: number;
}

/** Other paths with the same base: the frames of the same stack, or the sources of the same source map. */
interface Context {
  readonly others: readonly PrintedPath[];
  /** The folder that the tool ran in, relative to the root; absent if unknown. */
  readonly folder?: string;
  /** The tool ran in a folder that is not in the tree. */
  readonly isForeign?: boolean;
}

/** The name of a package in its manifest. */
const packageNames: readonly (readonly [manifest: string, name: RegExp])[] = [
  ['package.json', /^(?:\{\s*|\s{1,4})?"name"\s*:\s*"([^"]+)"/m],
  ['go.mod', /^module\s+(\S+)/m],
  ['Cargo.toml', /^\[package\][^[]*?^name\s*=\s*"([^"]+)"/ms],
];
const maxPackages = 1000;

/** Matches a folder such as `packages/web`, but no package such as `@acme/web` or `example.com/web`. */
const folderPath = /^(?:\.\/)?[\w-]+\/(?!\.)/;

/** Outer calls say nothing about a failure. */
const maxFrames = 12;

/** Finds the place in the delivered tree for the paths and URLs that logs, reports and feedback contain. */
export class PathResolver {
  private maps: Promise<SourceMaps> | undefined;
  private readonly roots: readonly string[];
  /** The names of the repository and the service's folder, which deployed folders often share. */
  private readonly names: readonly string[];
  private readonly stated: readonly (readonly [from: string, to: string])[];
  private tree: Promise<TreePaths> | undefined;
  private knownPackages: [name: string, folder: string][] | undefined;

  constructor(
    private readonly checkout: CheckoutRoots,
    private readonly loadTree: () => Promise<TreePaths>,
  ) {
    const roots = [...(checkout.slot === undefined ? [] : [checkout.slot]), checkout.repository];
    this.roots = [...new Set(roots.flatMap((root) => [root, real(root)]))];
    this.names = [checkout.repository, checkout.folder].map((folder) => path.basename(folder)).filter((name) => name !== '');
    this.stated = Object.entries(checkout.paths ?? {})
      .map(([from, to]): [string, string] => [`${from.replace(/\\/g, '/').replace(/\/+$/, '')}/`, to])
      .sort(([a], [b]) => b.length - a.length);
  }

  /** Returns the place of a problem, or of the innermost call of its stack in delivered code. Never a guess. */
  async place(problem: FoundProblem): Promise<Place | undefined> {
    const named: Frame[] = problem.file === undefined ? [] : [{ ...problem, file: problem.file }];
    const frames = [...named, ...(problem.frames ?? [])];
    const context = await this.contextOf(frames, problem.folder);
    for (const frame of frames) {
      const place = await this.placeOf(frame, context);
      if (place) return place;
    }
    return undefined;
  }

  /** Returns the place of each path of a text. */
  async places(frames: readonly Frame[]): Promise<(Place | undefined)[]> {
    const context = await this.contextOf(frames);
    return Promise.all(frames.map(async (frame) => this.placeOf(frame, context)));
  }

  /** Returns the files of the tree in the stack of a problem, innermost call first. */
  async filesOnStack({ frames = [], folder }: FoundProblem): Promise<string[]> {
    const context = await this.contextOf(frames, folder);
    const places = await Promise.all(frames.slice(0, maxFrames).map(async (frame) => this.placeOf(frame, context)));
    return [...new Set(places.flatMap((place) => place?.path ?? []))];
  }

  private async contextOf(frames: readonly Frame[], printed?: string): Promise<Context> {
    const folder = printed === undefined ? undefined : this.folderOf(printed, await this.treePaths());
    const isForeign = folder === undefined && printed !== undefined && folderPath.test(printed);
    return { others: frames.flatMap(({ file }) => parsePath(file) ?? []), isForeign, ...(folder !== undefined && { folder }) };
  }

  private async placeOf(frame: Frame, context: Context): Promise<Place | undefined> {
    const printed = parsePath(frame.file);
    if (!printed || systemPath.test(printed.text)) return undefined;
    const tree = await this.treePaths();
    const path = this.inTree(printed, context, tree);
    if (path === undefined) return this.sourceOf(printed, frame, context, tree);
    return { path, ...(!printed.isTransformed && position(frame)) };
  }

  private inTree(printed: PrintedPath, context: Context, tree: TreePaths): string | undefined {
    const stated = this.statedPath(printed);
    if (stated !== undefined) return tree.at(this.checkout.folder, stated);
    if (!printed.isAbsolute) return this.relative(printed, context, tree);
    for (const root of this.roots) {
      const inside = within(root, printed.text);
      if (inside !== undefined) return tree.at(inside);
    }
    // A file of this machine outside the slot is not delivered code.
    return !this.checkout.isElsewhere && fs.existsSync(printed.text) ? undefined : this.deployed(printed, context, tree);
  }

  /** Returns the path relative to the service that `feedback.paths` gives. */
  private statedPath({ raw, text }: PrintedPath): string | undefined {
    for (const [from, to] of this.stated) {
      const path = [raw, text].find((each) => each.startsWith(from));
      if (path !== undefined) return `${to}/${path.slice(from.length).replace(/\?.*$/, '')}`;
    }
    return undefined;
  }

  /** A relative path is certain in a known folder. In an unknown one, a single file must fit. */
  private relative(printed: PrintedPath, { folder, isForeign, others }: Context, tree: TreePaths): string | undefined {
    if (isForeign) return undefined;
    const { parts, text, hasScheme } = printed;
    const out = text.startsWith('../') ? tree.at(this.checkout.folder, text) : undefined;
    // Old versions of Node.js print their own files without a folder, and all others with an absolute path.
    if (parts.length === 1 && others.some(({ isAbsolute }) => isAbsolute) && builtinModules.includes(text.replace(/\.js$/, '')))
      return undefined;
    const files = tree.endingWith(parts).map((file) => ({ file, length: parts.length }));
    if (folder === undefined || hasScheme) {
      const file = this.decide(printed, files, others, tree) ?? this.ofModule(parts, tree);
      return out === undefined || out === file ? file : undefined;
    }
    const direct = tree.at(folder, text);
    if (direct !== undefined || text.startsWith('../')) return direct;
    // Some tools print paths from the root of the project, and the JVM those from a source root.
    const fromRoot = [tree.at(this.checkout.folder, text), tree.at(text)];
    const below = files.filter(({ file }) => isBelow(file, folder) && (fromRoot.includes(file) || jvmFile.test(file)));
    return below.length === 1 ? below[0]?.file : undefined;
  }

  /** Go prints `example.com/acme/shop/cart/cart.go` for files of the module `example.com/acme/shop`. */
  private ofModule(parts: readonly string[], tree: TreePaths): string | undefined {
    const name = parts.findIndex((part, index) => index > 0 && index < 4 && this.names.includes(part));
    if (name < 0 || !/^[\w-]+(\.[\w-]+)+$/.test(parts[0] ?? '')) return undefined;
    const inModule = parts.slice(name + 1).join('/');
    return tree.at(inModule.replace(/^v\d+\//, ''));
  }

  /** Finds a file by the end of its absolute path in a container, on a platform or on another machine. */
  private deployed(printed: PrintedPath, { others }: Context, tree: TreePaths): string | undefined {
    const { parts } = printed;
    const library = libraryAt(parts);
    const least = library < 0 ? 1 : parts.length - library;
    const root = this.rootOf(printed, others);
    for (const most of root > 0 ? [parts.length - root, parts.length] : [parts.length]) {
      const files = tree
        .named(parts.at(-1) ?? '')
        .map((file) => ({ file, length: Math.min(most, commonEnd(parts, file.split('/'))) }))
        .filter((match) => match.length >= least && (isBelow(match.file, this.checkout.folder) || folderBefore(match) === ''));
      const rated = this.rated(printed, files, others, tree);
      const [best, next] = rated;
      if (!best) continue;
      // A root that could also be deeper leaves the choice between `src/index.js` and `index.js`.
      const isCertain =
        root > 0 || !rated.some((one) => one !== best && one.rank === best.rank && this.isWhole(printed, one, root, /^src$/));
      if (next && best.rank === next.rank && (best.length === next.length || !isCertain)) return undefined;
      // A name alone needs more evidence.
      if (best.length > 1 || best.rank > 0 || this.isWhole(printed, best, root)) return best.file;
    }
    return undefined;
  }

  /** Returns how many first parts of a path certainly do not belong to the tree; 0 if unknown. */
  private rootOf({ text, parts }: PrintedPath, others: readonly PrintedPath[]): number {
    const known = deployedRoot.exec(text)?.[0].split('/') ?? [];
    if (known.length > 0) return known.filter((part) => part !== '').length;
    const folders = parts.slice(0, -1);
    const named = Math.max(...this.names.map((name) => folders.lastIndexOf(name)));
    if (named >= 0) return named + 1;
    const libraries = others.flatMap((other) => (isPrefix(other, libraryAt(other.parts), parts) ? libraryAt(other.parts) : []));
    return libraries.length > 0 ? Math.min(...libraries) : 0;
  }

  /** Returns true if a match means that a deployed folder contains the whole service or repository. */
  private isWhole({ parts }: PrintedPath, match: Match, root: number, also = rootName): boolean {
    const folder = parts.slice(0, -match.length);
    const name = folder.at(-1) ?? '';
    const isRoot = folder.length === root || rootName.test(name) || also.test(name) || (folder.length < 2 && !systemFolder.test(name));
    return isRoot && ['', this.checkout.folder].includes(folderBefore(match));
  }

  /** Returns the files of the service, or else all, by the number of other paths that fit. */
  private rated(printed: PrintedPath, files: readonly Match[], others: readonly PrintedPath[], tree: TreePaths): RatedMatch[] {
    const own = files.filter(({ file }) => isBelow(file, this.checkout.folder));
    const eligible = own.length > 0 ? own : files;
    const evidence = eligible.length > maxRated ? [] : others;
    return eligible
      .map((match) => ({ ...match, rank: support(printed, match, evidence, tree) }))
      .sort((a, b) => b.rank - a.rank || b.length - a.length);
  }

  /** Returns the only file, the only one of the service, or the only one that most of the other paths fit to. */
  private decide(printed: PrintedPath, files: readonly Match[], others: readonly PrintedPath[], tree: TreePaths): string | undefined {
    const [best, next] = this.rated(printed, files, others, tree);
    return next && next.rank === best?.rank ? undefined : best?.file;
  }

  /** Returns a printed folder, or the folder of a printed package, relative to the root. Undefined if it is not certain. */
  private folderOf(printed: string, tree: TreePaths): string | undefined {
    const { folder } = this.checkout;
    const parsed = printed === '' ? undefined : parsePath(printed);
    if (!parsed) return printed === '' ? folder : undefined;
    const { text, parts, isAbsolute } = parsed;
    const folders = tree.folders();
    if (isAbsolute) for (const root of this.roots) if (`${text}/`.startsWith(`${root}/`)) return within(root, text) ?? '';
    const near = isAbsolute ? [] : [normalize(`${folder}/${text}`), normalize(text)];
    const name = parts.lastIndexOf(this.names[0] ?? '');
    const below = name < 0 ? undefined : parts.slice(name + 1).join('/');
    const named = this.packages(tree)
      .filter(([one]) => `${text}/`.startsWith(`${one}/`))
      .map(([one, at]) => normalize(`${at}${text.slice(one.length)}`));
    const certain = [...named, ...near, below].find((one) => one !== undefined && folders.has(one));
    if (certain !== undefined) return certain;
    const rated = [...folders].map((one) => ({ one, length: commonEnd(parts, one.split('/')) }));
    const longest = Math.max(1, ...rated.map(({ length }) => length));
    const best = rated.filter(({ length }) => length === longest);
    return best.length === 1 ? best[0]?.one : undefined;
  }

  /** Returns the folder of each package that has a name. Only the slot contains the manifests. */
  private packages(tree: TreePaths): readonly (readonly [name: string, folder: string])[] {
    if (this.knownPackages) return this.knownPackages;
    this.knownPackages = [];
    const { slot } = this.checkout;
    if (slot === undefined) return this.knownPackages;
    for (const [manifest, name] of packageNames)
      for (const file of tree.named(manifest).slice(0, maxPackages)) {
        const found = name.exec(readText(path.join(slot, file)))?.[1];
        if (found !== undefined) this.knownPackages.push([found, file.slice(0, -manifest.length - 1)]);
      }
    // The innermost of nested Go modules comes first.
    return this.knownPackages.sort(([a], [b]) => b.length - a.length);
  }

  /** Generated code is not in the tree, but its source may be. */
  private async sourceOf(printed: PrintedPath, frame: Frame, context: Context, tree: TreePaths): Promise<Place | undefined> {
    const { slot, folder } = this.checkout;
    if (frame.line === undefined || slot === undefined) return undefined;
    const bases = context.folder === undefined ? [folder, ''] : [context.folder];
    const stated = this.statedPath(printed);
    const relative = stated === undefined ? bases.map((base) => path.join(base, printed.text)) : [path.join(folder, stated)];
    const candidates = printed.isAbsolute && stated === undefined ? [printed.text] : relative.map((file) => path.join(slot, file));
    const inSlot = (file: string): string | undefined => within(slot, file) ?? within(real(slot), file);
    const generated = candidates.find((file) => inSlot(file) !== undefined && fs.existsSync(file));
    if (generated === undefined) return undefined;
    this.maps ??= import('./source-maps').then((loaded) => new loaded.SourceMaps());
    const found = (await this.maps).sourceOf(generated, frame.line, frame.column);
    const source = found && parsePath(found.source);
    if (!found || !source) return undefined;
    const others = found.sources.flatMap((other) => parsePath(other) ?? []);
    const file = source.isAbsolute
      ? this.inTree(source, { others }, tree)
      : this.ofBundle(source, others, inSlot(found.folder) ?? '', tree);
    return file === undefined ? undefined : { path: file, ...position(found) };
  }

  /** A source is relative to its source map. Bundlers name it relative to their project, which contains the generated file. */
  private ofBundle(source: PrintedPath, others: readonly PrintedPath[], mapFolder: string, tree: TreePaths): string | undefined {
    const files = tree.endingWith(source.parts).map((file) => ({ file, length: source.parts.length }));
    const around = files.filter((match) => isBelow(`${mapFolder}/`, folderBefore(match)));
    return (source.hasScheme ? undefined : tree.at(mapFolder, source.text)) ?? this.decide(source, around, others, tree);
  }

  private async treePaths(): Promise<TreePaths> {
    return (this.tree ??= this.loadTree());
  }
}

/** A file of the tree, and how many of its last path segments a printed path has too. */
interface Match {
  readonly file: string;
  readonly length: number;
}

interface RatedMatch extends Match {
  readonly rank: number;
}

/** The other paths rarely decide among more files. */
const maxRated = 200;

/** Returns the folder of the tree that the printed path is relative to, if it is this file. */
function folderBefore({ file, length }: Match): string {
  return file.split('/').slice(0, -length).join('/');
}

function isPrefix({ parts }: PrintedPath, length: number, of: readonly string[]): boolean {
  return length > 0 && parts.slice(0, length).every((part, at) => of[at] === part);
}

/** Returns how many other paths are in the tree too, if the printed path is this file. */
function support(printed: PrintedPath, match: Match, others: readonly PrintedPath[], tree: TreePaths): number {
  const root = printed.parts.length - match.length;
  const fits = others.filter(
    (other) =>
      other.isAbsolute === printed.isAbsolute &&
      other.text !== printed.text &&
      (root === 0 || isPrefix(printed, root, other.parts)) &&
      tree.at(folderBefore(match), other.parts.slice(root).join('/')) !== undefined,
  );
  return new Set(fits.map(({ text }) => text)).size;
}

function position({ line, column }: Omit<Frame, 'file'>): { line?: number; column?: number } {
  return { ...(line !== undefined && line > 0 && { line }), ...(line !== undefined && column !== undefined && column > 0 && { column }) };
}

const jvmFile = /\.(java|kt|scala|groovy|clj)$/;

function isBelow(file: string, folder: string): boolean {
  return folder === '' || file.startsWith(`${folder}/`);
}

function within(root: string, file: string): string | undefined {
  const from = root.split(path.sep).join('/').replace(/\/$/, '');
  if (!file.startsWith(`${from}/`)) return undefined;
  const inside = path.posix.normalize(file.slice(from.length + 1));
  return inside.startsWith('..') ? undefined : inside;
}

function readText(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function real(folder: string): string {
  try {
    return fs.realpathSync(folder);
  } catch {
    return folder;
  }
}
