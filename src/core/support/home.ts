import { createHash } from 'node:crypto';
import * as path from 'node:path';
import envPaths from 'env-paths';

/** Deliver's own folder: `DELIVER_HOME`, else the platform's place for an application's state. */
export function homeFolder(env: NodeJS.ProcessEnv = process.env): string {
  const named = env['DELIVER_HOME'];
  return named ? path.resolve(named) : envPaths('deliver', { suffix: '' }).data;
}

/** Where the environments of a user live: services of several repositories meet there. */
export function environmentsFolder(home: string): string {
  return path.join(home, 'environments');
}

/** Where Deliver's folders for repositories are. */
export function repositoriesFolder(home: string): string {
  return path.join(home, 'repositories');
}

/**
 * Deliver's folder for one repository. It is named after the repository for people and hashed from
 * the common git folder, so that all worktrees of a repository share it.
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
   * Where single steps keep their runs that a CI service calls: they are no deliveries. It is one for all
   * checkouts, as the jobs of one pipeline may each get another.
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

  /** The git objects of snapshots: a bare object folder that borrows the repository's. */
  get objects(): string {
    return path.join(this.folder, 'objects');
  }

  /** Pipelines that were parsed before. */
  get definitions(): string {
    return path.join(this.folder, 'definitions');
  }

  /** What sources of feedback said, by service. */
  feedback(service: string): string {
    return path.join(this.folder, 'feedback', service);
  }

  /** Which commits were delivered by themselves: one file each, made by the window that does. */
  get claims(): string {
    return path.join(this.folder, 'claims');
  }

  get locks(): string {
    return path.join(this.folder, 'locks');
  }
}

/** The log of a step in the folder of its run. Jobs of a CI service may have names that no file system takes. */
export function logFile(folder: string, step: string): string {
  return path.join(folder, `${step.replace(/[^\w.-]+/g, '_').slice(0, 120)}.log`);
}
