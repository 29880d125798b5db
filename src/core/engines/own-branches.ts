/** What the names of Deliver's own branches at a remote begin with: never a branch of anybody's. */
export const ownBranches = 'deliver/';

/** The branch that one run pushes. */
export function ownBranch(service: string, run: string): string {
  return `${ownBranches}${service}-${run}`;
}
