/** A top-level line that names the service in the common notation. */
const plain = /^(["']?)service\1:[ \t]*(["']?)([A-Za-z0-9][A-Za-z0-9_.-]*)\2[ \t]*(?:#.*)?\r?$/gm;

/**
 * Returns the service name of a definition without loading the parser. Returns undefined if the name has an unusual notation
 * or occurs twice.
 */
export function plainServiceName(text: string): string | undefined {
  const [only, ...others] = text.matchAll(plain);
  return others.length === 0 ? only?.[3] : undefined;
}
