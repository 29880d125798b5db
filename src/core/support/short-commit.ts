/** Returns a commit in the short form that people see: 7 characters. */
export function shortCommit(commit: string): string {
  return commit.slice(0, 7);
}
