import { createHash } from 'node:crypto';
import * as path from 'node:path';
import envPaths from 'env-paths';

/** Returns Deliver's folder: `DELIVER_HOME`, or the platform's folder for application data. */
export function homeFolder(env: NodeJS.ProcessEnv = process.env): string {
  const named = env['DELIVER_HOME'];
  return named ? path.resolve(named) : envPaths('deliver', { suffix: '' }).data;
}

/** Returns the folder of the user's environments, which are shared by repositories. */
export function environmentsFolder(home: string): string {
  return path.join(home, 'environments');
}

export function repositoriesFolder(home: string): string {
  return path.join(home, 'repositories');
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
    const owner = path.basename(commonGitFolder) === '.git' ? path.dirname(commonGitFolder) : commonGitFolder;
    const name = path.basename(owner).replace(/[^\w.-]/g, '_');
    const hash = createHash('sha256').update(commonGitFolder).digest('hex').slice(0, 10);
    this.folder = folder ?? path.join(repositoriesFolder(home), `${name}-${hash}`);
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
    return path.join(this.folder, 'slots');
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

/** Returns the log of a step in the folder of its run. A CI job may have a name that is no valid file name. */
export function logFile(folder: string, step: string): string {
  return path.join(folder, `${step.replace(/[^\w.-]+/g, '_').slice(0, 120)}.log`);
}
