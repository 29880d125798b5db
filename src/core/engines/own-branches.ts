/** What the names of Deliver's own branches at a remote begin with: never a branch of anybody's. */
export const ownBranches = 'deliver/';
