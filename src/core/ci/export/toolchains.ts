import { below } from './plain-globs';

/** Returns the text of a file of the repository by its path from the root, or undefined if there is none. */
export type ReadFile = (path: string) => string | undefined;

type Language = 'node' | 'python' | 'go' | 'rust';

/** The version of a language that a repository asks for, and the lock file of its packages. Paths are relative to the root. */
export interface Toolchain {
  readonly language: Language;
  readonly versionFile?: string;
  /** A container image with this version. Absent: the file names no plain version. */
  readonly image?: string;
  readonly lock?: string;
}

interface LanguageFiles {
  readonly manifests: readonly string[];
  /** Files that may give the version, the most specific first. */
  readonly versions: Readonly<Record<string, RegExp | ((text: string) => unknown)>>;
  readonly locks: readonly string[];
  readonly image: string;
  /** The number of version parts that determine a release line, as 22 for Node and 3.13 for Python. */
  readonly parts: number;
}

const firstLine = /^\s*([^\s#]+)/;

const languages: Readonly<Record<Language, LanguageFiles>> = {
  node: {
    manifests: ['package.json'],
    versions: {
      '.nvmrc': firstLine,
      '.node-version': firstLine,
      '.tool-versions': /^node(?:js)?\s+(\S+)/m,
      'package.json': (text) => (JSON.parse(text) as { engines?: { node?: unknown } } | null)?.engines?.node,
    },
    locks: ['package-lock.json', 'npm-shrinkwrap.json'],
    image: 'node',
    parts: 1,
  },
  python: {
    manifests: ['pyproject.toml', 'requirements.txt', 'setup.py'],
    versions: {
      '.python-version': firstLine,
      '.tool-versions': /^python\s+(\S+)/m,
      'pyproject.toml': /^requires-python\s*=\s*["']([^"']+)/m,
    },
    locks: ['requirements.txt', 'pyproject.toml'],
    image: 'python',
    parts: 2,
  },
  go: { manifests: ['go.mod'], versions: { 'go.mod': /^go\s+(\S+)/m }, locks: ['go.sum'], image: 'golang', parts: 2 },
  rust: {
    manifests: ['Cargo.toml'],
    versions: { 'rust-toolchain.toml': /^channel\s*=\s*["']([^"']+)/m, 'rust-toolchain': firstLine },
    locks: ['Cargo.lock'],
    image: 'rust',
    parts: 2,
  },
};

/** Returns the toolchains of a service. Its own files come before those of the folders above. */
export function toolchainsOf(service: string, read: ReadFile): Toolchain[] {
  const folders = foldersUp(service);
  const find = (names: readonly string[]): string | undefined =>
    folders.flatMap((folder) => names.map((name) => below(folder, name))).find((path) => read(path) !== undefined);
  return (Object.entries(languages) as [Language, LanguageFiles][]).flatMap(([language, { manifests, versions, locks, image, parts }]) => {
    if (find(manifests) === undefined) return [];
    const [found] = folders.flatMap((folder) =>
      Object.entries(versions).flatMap(([name, pattern]) => {
        const path = below(folder, name);
        const version = versionIn(read(path), pattern);
        return version === undefined ? [] : [{ path, tag: imageTag(version, parts) }];
      }),
    );
    const lock = find(locks);
    return [
      {
        language,
        ...(found && { versionFile: found.path }),
        ...(found?.tag !== undefined && { image: `${image}:${found.tag}` }),
        ...(lock !== undefined && { lock }),
      },
    ];
  });
}

/** Returns a folder and the folders above it, up to the root, which is empty. */
export function foldersUp(folder: string): string[] {
  const parts = folder === '' ? [] : folder.split('/');
  return [...parts.map((_, index) => parts.slice(0, parts.length - index).join('/')), ''];
}

function versionIn(text: string | undefined, pattern: RegExp | ((text: string) => unknown)): string | undefined {
  if (text === undefined) return undefined;
  try {
    const version = typeof pattern === 'function' ? pattern(text) : pattern.exec(text)?.[1];
    return typeof version === 'string' ? version : undefined;
  } catch {
    return undefined;
  }
}

/** Returns the tag of an image that is in a version range: its lower bound, or the newest of a release line without an upper bound. */
function imageTag(range: string, parts: number): string | undefined {
  const [, operator = '', version = ''] = /^(\^|~|>=|==?)?\s*v?(\d+(?:\.\d+){0,2})(?=$|[\s,|]|\.[x*])/.exec(range.trim()) ?? [];
  if (version === '') return undefined;
  const isOpen = (operator === '^' || operator === '>=') && !range.includes('<');
  return isOpen ? version.split('.').slice(0, parts).join('.') : version;
}
