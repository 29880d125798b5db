import * as fs from 'node:fs';
import * as path from 'node:path';
import { execGit } from '../git/git';
import { readHead } from '../git/git-files';
import { parseRemote } from '../git/remotes';
import type { Repository } from '../git/repository';
import type { EnvironmentStatus, Owner } from '../model/environment-status';
import { fail, ok, type Result, valueOf } from '../model/result';

/** The right of a repository to deploy to an environment. */
export interface Claim {
  readonly owner: Owner;
  /** The git folder of this repository before it was moved. */
  readonly formerly?: string;
  /** Replaces the service of another repository. */
  readonly takesOver?: true;
}

export async function ownerOf(repository: Repository): Promise<Owner> {
  const { root: folder, commonGitFolder: gitFolder } = repository;
  const url = valueOf(await execGit(['config', '--get', 'remote.origin.url'], { folder }))?.trim();
  const remote = url ? parseRemote(url) : undefined;
  return {
    folder,
    gitFolder,
    // Code hosts ignore the case of a path.
    origin: remote ? `${remote.host}/${remote.path}`.toLowerCase() : url ? folderOf(url, folder) : undefined,
    head: readHead(repository).commit,
  };
}

/** Returns the folder that a remote names, as git reads it, or its address without user and password. */
function folderOf(url: string, base: string): string {
  const isFolder = /^file:\/\/|^[^:]*(\/|$)|^[A-Za-z]:[\\/]/.test(url);
  return isFolder ? path.resolve(base, url.replace(/^file:\/\//, '')) : url.replace(/\/\/[^@/]*@/, '//');
}

/** Returns true for working copies and clones of one repository. */
export function isSameRepository(one: Owner, other: Owner): boolean {
  if (one.gitFolder === other.gitFolder) return true;
  if (isCloneOf(one, other) || isCloneOf(other, one)) return true;
  return one.origin !== undefined && one.origin === other.origin;
}

function isCloneOf({ origin }: Owner, { folder, gitFolder }: Owner): boolean {
  // A worktree lies elsewhere than the working copy of its git folder.
  return origin !== undefined && [folder, gitFolder, path.dirname(gitFolder)].includes(origin);
}

/**
 * Returns whether a service belongs to the repository of `mine`. Records of earlier versions have no owner and belong to everybody. A
 * repository that was moved still has its last delivered commit, and its former folder is gone.
 */
export async function belongsTo(owner: Owner | undefined, mine: Owner): Promise<boolean> {
  if (!owner || isSameRepository(owner, mine)) return true;
  if (owner.head === undefined || fs.existsSync(owner.gitFolder)) return false;
  return (await execGit(['cat-file', '-e', `${owner.head}^{commit}`], { folder: mine.folder })).ok;
}

/** Returns the environments with only the services that belong to the repository of `mine`. */
export async function ownServices(environments: readonly EnvironmentStatus[], mine: Owner): Promise<EnvironmentStatus[]> {
  return Promise.all(
    environments.map(async (one) => {
      const isOwn = await Promise.all(one.services.map(async ({ owner }) => belongsTo(owner, mine)));
      return { ...one, services: one.services.filter((_, index) => isOwn[index]) };
    }),
  );
}

/** Returns the claim of a repository to a service. Fails if the service belongs to another repository, unless `takeOver`. */
export async function claim(
  place: { readonly service: string; readonly environment: string },
  owner: Owner | undefined,
  mine: Owner,
  takeOver: boolean,
): Promise<Result<Claim>> {
  if (!owner || isSameRepository(owner, mine)) return ok({ owner: mine });
  if (await belongsTo(owner, mine)) return ok({ owner: mine, formerly: owner.gitFolder });
  return takeOver ? ok({ owner: mine, takesOver: true }) : foreign(place, owner, mine);
}

/** Checks a claim again, at the moment of the deployment. Callers without a claim are trusted. */
export function honour(
  place: { readonly service: string; readonly environment: string },
  owner: Owner | undefined,
  given: Claim | undefined,
): Result<void> {
  if (!owner || !given || given.takesOver || isSameRepository(owner, given.owner) || owner.gitFolder === given.formerly)
    return ok(undefined);
  return foreign(place, owner, given.owner);
}

/** Returns the earlier releases that a rollback may restore after `claim` deployed: never those of another repository. */
export function ownReleases<T extends { readonly owner?: Owner }>(releases: readonly T[], given: Claim | undefined): readonly T[] {
  if (!given) return releases;
  return releases.flatMap((release) => {
    if (!release.owner || isSameRepository(release.owner, given.owner)) return [release];
    return release.owner.gitFolder === given.formerly ? [{ ...release, owner: given.owner }] : [];
  });
}

function foreign({ service, environment }: { service: string; environment: string }, owner: Owner, mine: Owner): Result<never> {
  return fail('usage', `${service} in ${environment} belongs to another repository: ${owner.folder}. This repository is ${mine.folder}`, {
    hint: 'rename the service in delivery.yaml, or replace the other service with --take-over',
  });
}
