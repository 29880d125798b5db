import type { StepState } from '../model/events';

/** A node of the graph, with the names of the nodes that it needs. */
export interface Node {
  readonly name: string;
  readonly needs: readonly string[];
}

/**
 * Runs the nodes of an acyclic graph, at most `width` at a time. A node starts as soon as its own needs are done, never in
 * waves. Nodes that become ready together start in the given order. If a node does not pass, its dependents are skipped
 * (`skip` receives each of them with the failed need) and all other nodes run. An exception of `execute` is rethrown after
 * the running nodes end. Two nodes that `excludes` names together never run at the same time.
 */
export async function runGraph<N extends Node>(
  nodes: readonly N[],
  width: number,
  execute: (node: N) => Promise<StepState>,
  skip: (node: N, because: string) => void,
  excludes: (a: N, b: N) => boolean = () => false,
): Promise<ReadonlyMap<string, StepState>> {
  const states = new Map<string, StepState>();
  const missing = new Map(nodes.map((node) => [node.name, node.needs.length]));
  const dependents = new Map<string, N[]>();
  for (const node of nodes) for (const need of node.needs) dependents.set(need, [...(dependents.get(need) ?? []), node]);

  const ready = nodes.filter((node) => node.needs.length === 0);
  const errors: unknown[] = [];
  const running = new Set<N>();

  await new Promise<void>((resolve) => {
    const finish = (node: N, state: StepState): void => {
      states.set(node.name, state);
      for (const dependent of dependents.get(node.name) ?? []) {
        if (states.has(dependent.name)) continue;
        if (!isDone(state)) {
          skip(dependent, node.name);
          finish(dependent, 'skipped');
          continue;
        }
        const left = (missing.get(dependent.name) ?? 0) - 1;
        missing.set(dependent.name, left);
        if (left === 0) ready.push(dependent);
      }
    };
    const pump = (): void => {
      while (running.size < width && errors.length === 0) {
        const next = ready.findIndex((node) => ![...running].some((other) => excludes(node, other)));
        const node = ready[next];
        if (!node) break;
        ready.splice(next, 1);
        if (states.has(node.name)) continue;
        running.add(node);
        execute(node).then(
          (state) => settle(node, () => finish(node, state)),
          (error: unknown) => settle(node, () => errors.push(error)),
        );
      }
      if (running.size === 0) resolve();
    };
    const settle = (node: N, record: () => void): void => {
      running.delete(node);
      record();
      pump();
    };
    pump();
  });
  if (errors.length > 0) throw errors[0];
  return states;
}

/** Returns true if the dependents of a step in this state can start. */
export function isDone(state: StepState): boolean {
  return state === 'passed' || state === 'cached';
}
