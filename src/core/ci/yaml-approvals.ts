import { isMap, isPair, isScalar, LineCounter, parseDocument, type Pair } from 'yaml';
import type { ApprovalPlace } from './ci-service';

export type LineOf = (node: unknown) => number;

/** Returns the places that `find` reports in a YAML file, or none for a file that is not a valid mapping. */
export function approvalsInYaml(content: string, find: (entries: Pair[], lineOf: LineOf) => ApprovalPlace[]): ApprovalPlace[] {
  const lineCounter = new LineCounter();
  try {
    const { contents, errors } = parseDocument(content, { lineCounter, prettyErrors: false, uniqueKeys: false });
    if (errors.length > 0 || !isMap(contents)) return [];
    return find(pairsOf(contents), (node) => lineCounter.linePos((node as { range?: readonly number[] | null }).range?.[0] ?? 0).line);
  } catch {
    return [];
  }
}

export function pairsOf(node: unknown): Pair[] {
  return isMap(node) ? node.items.filter((item) => isPair(item)) : [];
}

/** Returns the value under a key, as a node. */
export function valueOf(entries: readonly Pair[], key: string): unknown {
  return entries.find((pair) => textOf(pair.key) === key)?.value;
}

export function textOf(node: unknown): string | undefined {
  return isScalar(node) && typeof node.value === 'string' ? node.value : undefined;
}
