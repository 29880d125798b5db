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
const bounds = { files: 5000, depth: 6, size: 200_000, read: 400 };

/** The source files of a folder, within bounds that keep the detection fast. */
export class ProjectFolder {
  /** Relative paths with `/`, sorted, without hidden folders, installed packages and build output. */
  readonly files: readonly string[];

  constructor(readonly folder: string) {
    this.files = listed(folder);
  }

  has(file: string): boolean {
    return fs.existsSync(path.join(this.folder, file));
  }

  /** Returns the first existing file. */
  first(...files: string[]): string | undefined {
    return files.find((file) => this.has(file));
  }

  /** Returns the text of a file. Empty if it is missing, too large or unreadable. */
  text(file: string): string {
    try {
      const full = path.join(this.folder, file);
      return fs.statSync(full).size > bounds.size ? '' : fs.readFileSync(full, 'utf8');
    } catch {
      return '';
    }
  }

  /** Returns the files with matching text. */
  matching(files: readonly string[], pattern: RegExp): string[] {
    return files.slice(0, bounds.read).filter((file) => pattern.test(this.text(file)));
  }
}

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

/** Returns a common health check path that occurs in the source. */
export function healthPathIn(source: string): string | undefined {
  return /["'`](?:GET )?(\/(?:healthz?|readyz?|livez|_health|api\/health|status\/health))["'`]/.exec(source)?.[1];
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
  readonly secrets?: readonly string[];
  /** A duration as in delivery.yaml: `5m`. */
  readonly timeout?: string;
  readonly retries?: number;
}

/** A service that can be started and reads its port from PORT. `health` is a path that it answers. */
export interface FoundServer {
  readonly command: string;
  readonly health?: string | undefined;
  readonly env?: Readonly<Record<string, string>>;
}

/** The findings of one ecosystem in a folder. */
export interface Found {
  /** The display name: `npm`, `Go`. */
  readonly label: string;
  /** The prefix for step names that two ecosystems share. */
  readonly prefix: string;
  readonly steps: readonly FoundStep[];
  readonly server?: FoundServer | undefined;
  /** Suggestions, written as commented YAML lines at the end. */
  readonly suggestion?: readonly string[];
  /** Set for tools that wrap any language: they count only if no language was found. */
  readonly general?: boolean;
}
