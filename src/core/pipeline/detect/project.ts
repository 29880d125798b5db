import * as fs from 'node:fs';
import * as path from 'node:path';

const passedOver = new Set([
  'node_modules',
  'vendor',
  'dist',
  'build',
  'target',
  'venv',
  '__pycache__',
  'coverage',
  'out',
  'site-packages',
]);
const bounds = { files: 5000, depth: 10, size: 200_000, read: 400 };

/** The source files of a folder, within bounds that keep the detection fast. */
export class ProjectFolder {
  /** Relative paths with `/`, sorted, without hidden folders, installed packages and build output. */
  readonly files: readonly string[];

  /** `root` is the folder of the repository. */
  constructor(
    readonly folder: string,
    readonly root: string = folder,
  ) {
    this.files = listed(folder);
  }

  has(file: string): boolean {
    return fs.existsSync(path.join(this.folder, file));
  }

  /** Returns the first existing file. */
  first(...files: string[]): string | undefined {
    return files.find((file) => this.has(file));
  }

  /** Returns the path to the nearest folder of the repository that holds one of the files: empty for this folder, else `../` and so on. */
  above(...files: string[]): string | undefined {
    for (let up = ''; ; up += '../') {
      if (this.first(...files.map((file) => up + file)) !== undefined) return up;
      if (path.relative(this.root, path.join(this.folder, up)) === '' || up.length > 60) return undefined;
    }
  }

  /** Returns the text of a file. Empty if it is missing, too large or unreadable. */
  text(file: string): string {
    try {
      const full = path.join(this.folder, file);
      return fs.statSync(full).size > bounds.size ? '' : fs.readFileSync(full, 'utf8').replace(/^\uFEFF/, '');
    } catch {
      return '';
    }
  }

  /** Returns the files with matching text. */
  matching(files: readonly string[], pattern: RegExp): string[] {
    return files.slice(0, bounds.read).filter((file) => pattern.test(this.text(file)));
  }

  /** Returns the files with one of the endings, without tests and without the files of projects in this one. */
  sources(ending: RegExp): string[] {
    const others = this.files.flatMap((file) => (manifest.exec(file)?.[1] !== undefined ? [file.slice(0, file.lastIndexOf('/') + 1)] : []));
    return this.files.filter((file) => ending.test(file) && !testFile.test(file) && !others.some((other) => file.startsWith(other)));
  }

  isExecutable(file: string): boolean {
    try {
      fs.accessSync(path.join(this.folder, file), fs.constants.X_OK);
      return true;
    } catch {
      return false;
    }
  }
}

/** Files that show that a folder is a project of its own. */
const manifest =
  /^.+\/(package\.json|pyproject\.toml|requirements\.txt|Pipfile|go\.mod|Cargo\.toml|pom\.xml|build\.gradle(?:\.kts)?|composer\.json|Gemfile|deno\.jsonc?)$/;

const testFile =
  /(^|\/)(tests?|__tests__|spec|e2e|testdata|migrations)\/|^(examples?|samples?|fixtures|docs)\/|[._](test|spec)\.|(^|\/)(test_[^/]*|conftest)\.py$/;

function listed(folder: string): string[] {
  const found: string[] = [];
  const open = [{ at: '', depth: 0 }];
  for (let next = open.shift(); next && found.length < bounds.files; next = open.shift()) {
    for (const entry of entriesOf(path.join(folder, next.at))) {
      const name = next.at === '' ? entry.name : `${next.at}/${entry.name}`;
      if (entry.isFile()) found.push(name);
      const enter = entry.isDirectory() && !entry.name.startsWith('.') && !passedOver.has(entry.name) && next.depth < bounds.depth;
      // A nested service is not part of this one.
      if (enter && !fs.existsSync(path.join(folder, name, 'delivery.yaml'))) open.push({ at: name, depth: next.depth + 1 });
    }
  }
  return found.sort();
}

function entriesOf(folder: string): fs.Dirent[] {
  try {
    return fs.readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** Returns the first few of several names as text. */
export function choice(names: readonly string[]): string {
  return names.length > 6 ? `${names.slice(0, 6).join(', ')} or ${names.length - 6} others` : names.join(', ');
}

/** A step for a first `delivery.yaml`. `comment` is written above it. */
export interface FoundStep {
  readonly name: string;
  readonly comment?: string;
  readonly needs?: readonly string[];
  readonly run: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  readonly reports?: readonly string[];
}

/** A service that can be started. */
export interface FoundServer {
  readonly kind: 'process' | 'compose';
  /** The command of a process, or the compose file. */
  readonly start: string;
  /** The service of the compose file. */
  readonly service?: string;
  /** The fixed port on which the program listens. */
  readonly port?: string;
  /** A path that it answers. */
  readonly health?: string | undefined;
  /** The time that it needs to become healthy, if 30 seconds are too short. */
  readonly timeout?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly envFile?: string;
  /** Something that only a person knows. The environment is then written as a comment. */
  readonly question?: string | undefined;
  /** True for files that any server can serve. A program is preferred. */
  readonly isStatic?: boolean;
}

/** The findings of one ecosystem in a folder. */
export interface Found {
  /** The display name: `npm`, `Go`. */
  readonly label: string;
  /** The prefix for step names that two ecosystems share. */
  readonly prefix: string;
  readonly steps: readonly FoundStep[];
  readonly server?: FoundServer | undefined;
  /** Things that only a person knows, and that are not about the server. */
  readonly questions?: readonly string[];
  /** The command that starts Python with the installed packages. */
  readonly python?: string;
  /** Set for tools that wrap any language: their steps count only if no language was found. */
  readonly general?: boolean;
}
