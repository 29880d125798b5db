/** What the names of Deliver's own branches at a remote begin with: never a branch of anybody's. */
export const ownBranches = 'deliver/';

/** The branch that one run pushes. */
export function ownBranch(service: string, run: string): string {
  return `${ownBranches}${service}-${run}`;
}

/** Whether it is such a branch of that service: names of services may begin alike. */
export function isOwnBranchOf(service: string, branch: string): boolean {
  const begin = ownBranch(service, '');
  return branch.startsWith(begin) && /^\d+T\d+-[0-9a-f]+$/.test(branch.slice(begin.length));
}
