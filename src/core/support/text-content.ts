/** Larger files, in bytes, are not looked into: hardly anyone wrote them line by line. */
export const sizeBound = 5 * 2 ** 20;

/** What a file says; undefined for one that is no text. */
export function textOf(content: Buffer): string | undefined {
  return content.length > sizeBound || content.includes(0) ? undefined : content.toString('utf8');
}
