/** A line of the top level that names the service, written as nearly everybody writes it. */
const plain = /^(["']?)service\1:[ \t]*(["']?)([A-Za-z0-9][A-Za-z0-9_.-]*)\2[ \t]*(?:#.*)?\r?$/gm;

/**
 * The name that a definition gives its service, read without the parser, which takes longer to load than
 * all else that is done with a name. `undefined`: it is written in another way, or twice.
 */
export function plainServiceName(text: string): string | undefined {
  const [only, ...others] = text.matchAll(plain);
  return others.length === 0 ? only?.[3] : undefined;
}
