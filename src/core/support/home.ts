import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

const defaultName = 'deliver-home';

/** Returns Deliver's folder: `DELIVER_HOME`, the folder of an earlier version if there is one, or `~/deliver-home`. */
export function homeFolder(env: NodeJS.ProcessEnv = process.env): string {
  const named = env['DELIVER_HOME'];
  const home = named ? path.resolve(named) : defaultHome(env);
  restrict(home);
  return home;
}

function defaultHome(env: NodeJS.ProcessEnv): string {
  const home = path.join(userFolder(env), defaultName);
  const earlier = earlierHome(env);
  // The new folder may contain only the checkouts of the earlier one.
  const isUsed = [repositoriesFolder(home), environmentsFolder(home)].some((folder) => fs.existsSync(folder));
  return !isUsed && fs.existsSync(earlier) ? earlier : home;
}

/** The platform's folder for application data. Environments of an earlier version may still run from it. */
function earlierHome(env: NodeJS.ProcessEnv): string {
  const folder = userFolder(env);
  if (process.platform === 'darwin') return path.join(folder, 'Library', 'Application Support', 'deliver');
  if (process.platform === 'win32') return path.join(env['LOCALAPPDATA'] || path.join(folder, 'AppData', 'Local'), 'deliver', 'Data');
  return path.join(env['XDG_DATA_HOME'] || path.join(folder, '.local', 'share'), 'deliver');
}

function userFolder(env: NodeJS.ProcessEnv): string {
  return (process.platform === 'win32' ? env['USERPROFILE'] : env['HOME']) || os.homedir();
}

/** Creates a folder for the user alone: logs and checkouts may hold secrets. Returns false if another user owns it. */
export function makePrivateFolder(folder: string): boolean {
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    restrict(folder);
    return fs.lstatSync(folder).uid === (process.getuid?.() ?? 0);
  } catch {
    return false; // the first command that writes reports the reason
  }
}

function restrict(folder: string): void {
  try {
    const { uid, mode } = fs.statSync(folder);
    if (uid === process.getuid?.() && (mode & 0o077) !== 0) fs.chmodSync(folder, 0o700);
  } catch {
    // It does not exist yet, or the first command that writes reports the reason.
  }
}

/**
 * Returns a folder for checkouts whose path suits all tools: `folder` itself, unless a part of its path begins with a dot
 * (servers such as Express refuse to send files below one) or contains white space (which make cannot handle).
 */
export function checkoutsFolder(home: string, folder: string, env: NodeJS.ProcessEnv = process.env): string {
  if (isPlain(folder)) return folder;
  const places = [path.join(userFolder(env), defaultName), sharedPlace(env)];
  const place = places.find((each) => isPlain(each) && makePrivateFolder(each));
  if (place === undefined) return folder;
  return path.join(place, 'checkouts', hashOf(home), path.relative(home, folder).replace(/(?<=^|[\\/])\.+/g, ''));
}

function isPlain(folder: string): boolean {
  return !/\s/.test(folder) && !folder.split(/[\\/]/).some((part) => /^\.[^.]/.test(part));
}

/** A folder of the user that survives a reboot, for a user whose own folder has a name with white space. */
function sharedPlace(env: NodeJS.ProcessEnv): string {
  const user = os.userInfo().username.replace(/[^\w-]/g, '_');
  return process.platform === 'win32' ? path.join(env['ProgramData'] || 'C:\\ProgramData', `deliver-${user}`) : `/var/tmp/deliver-${user}`;
}

/** Returns the folder of the user's environments, which are shared by repositories. */
export function environmentsFolder(home: string): string {
  return path.join(home, 'environments');
}

export function repositoriesFolder(home: string): string {
  return path.join(home, 'repositories');
}

/** Returns the name of the folder that contains the git folder, or of a bare one. A leading dot is left out. */
export function repositoryName(commonGitFolder: string): string {
  const name = path.basename(commonGitFolder);
  // `.bare` is a common name for the git folder of several worktrees.
  return path.basename(name.startsWith('.') ? path.dirname(commonGitFolder) : commonGitFolder).replace(/^\.+/, '');
}

/**
 * Deliver's folder for a repository. Its name has the name of the repository and a hash of the common git folder, so
 * that all worktrees share it.
 */
export class RepositoryHome {
  readonly folder: string;

  constructor(
    readonly home: string,
    commonGitFolder: string,
    folder?: string,
  ) {
    const folderOf = (name: string): string =>
      path.join(repositoriesFolder(home), `${name.replace(/[^\w.-]/g, '_')}-${hashOf(commonGitFolder)}`);
    const own = folderOf(repositoryName(commonGitFolder));
    // Earlier versions kept the name of a bare git folder, such as `.bare`.
    const earlier = folderOf(path.basename(commonGitFolder));
    this.folder = folder ?? (path.basename(commonGitFolder) !== '.git' && fs.existsSync(earlier) ? earlier : own);
  }

  /**
   * Returns the folder for the runs of single steps that a CI service calls, which are no deliveries. All checkouts
   * share it, because each job of a pipeline may have another checkout.
   */
  static ofJobs(home: string, commonGitFolder: string): RepositoryHome {
    return new RepositoryHome(home, commonGitFolder, path.join(home, 'jobs'));
  }

  get runs(): string {
    return path.join(this.folder, 'runs');
  }

  run(id: string): string {
    return path.join(this.runs, id);
  }

  get slots(): string {
    return checkoutsFolder(this.home, path.join(this.folder, 'slots'));
  }

  /** The copies of a CI service's checkouts that releases run from. */
  get checkouts(): string {
    return checkoutsFolder(this.home, path.join(this.folder, 'checkouts'));
  }

  get cache(): string {
    return path.join(this.folder, 'cache');
  }

  /** The git objects of snapshots. */
  get objects(): string {
    return path.join(this.folder, 'objects');
  }

  /** Cached pipelines. */
  get definitions(): string {
    return path.join(this.folder, 'definitions');
  }

  /** The cached feedback of a service. */
  feedback(service: string): string {
    return path.join(this.folder, 'feedback', service);
  }

  /** Contains a file for each commit that a window delivers automatically. */
  get claims(): string {
    return path.join(this.folder, 'claims');
  }

  get locks(): string {
    return path.join(this.folder, 'locks');
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 10);
}

/** Returns the log of a step in the folder of its run. A CI job may have a name that is no valid file name. */
export function logFile(folder: string, step: string): string {
  return path.join(folder, `${step.replace(/[^\w.-]+/g, '_').slice(0, 120)}.log`);
}
