import * as assert from 'node:assert/strict';
import type { StepState } from '../../../../src/core/model/events';
import { runGraph } from '../../../../src/core/runner/graph';

describe('the graph of steps', () => {
  it('starts a step as soon as its own needs are done, not when a wave is', async () => {
    const steps = new Steered();
    const graph = steps.run([node('a'), node('slow'), node('b', 'a'), node('c', 'b')], 4);
    steps.end('a');
    await steps.started('b');
    steps.end('b');
    await steps.started('c');
    assert.deepEqual(steps.running(), ['slow', 'c']);
    steps.end('c');
    steps.end('slow');
    await graph;
  });

  it('runs no more at a time than it may', async () => {
    const steps = new Steered();
    const graph = steps.run([node('a'), node('b'), node('c')], 2);
    assert.deepEqual(steps.running(), ['a', 'b']);
    steps.end('a');
    await steps.started('c');
    assert.deepEqual(steps.running(), ['b', 'c']);
    steps.end('b');
    steps.end('c');
    await graph;
  });

  it('never runs two nodes that exclude each other at the same time', async () => {
    const started: string[] = [];
    let running = 0;
    const execute = async ({ name }: { readonly name: string }): Promise<StepState> => {
      started.push(name);
      if (name !== 'other') assert.equal(++running, 1);
      await new Promise(setImmediate);
      if (name !== 'other') running--;
      return 'passed';
    };
    const excludes = (a: { readonly name: string }, b: { readonly name: string }): boolean => a.name !== 'other' && b.name !== 'other';
    await runGraph([node('a'), node('b'), node('other')], 4, execute, () => {}, excludes);
    assert.deepEqual(started, ['a', 'other', 'b']);
  });

  it('skips what needs a failed step, all the way down, and goes on with the rest', async () => {
    const steps = new Steered();
    const graph = steps.run([node('a'), node('b', 'a'), node('c', 'b'), node('other')], 4);
    steps.end('a', 'failed');
    steps.end('other');
    assert.deepEqual(Object.fromEntries(await graph), { a: 'failed', b: 'skipped', c: 'skipped', other: 'passed' });
    assert.deepEqual(steps.skipped, ['b because of a', 'c because of b']);
  });

  it('skips a step once when several of its needs fail', async () => {
    const steps = new Steered();
    const graph = steps.run([node('a'), node('b'), node('c', 'a', 'b')], 4);
    steps.end('a', 'failed');
    steps.end('b', 'failed');
    await graph;
    assert.deepEqual(steps.skipped, ['c because of a']);
  });

  it('treats a cached step as done', async () => {
    const steps = new Steered();
    const graph = steps.run([node('a'), node('b', 'a')], 1);
    steps.end('a', 'cached');
    await steps.started('b');
    steps.end('b');
    assert.equal((await graph).get('b'), 'passed');
  });

  it('passes an exception on, but only when nothing runs any more', async () => {
    const steps = new Steered();
    let over = false;
    const graph = steps.run([node('a'), node('b'), node('c', 'a')], 2).finally(() => (over = true));
    steps.break('a', new Error('no space left'));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(over, false);
    steps.end('b');
    await assert.rejects(graph, /no space left/);
    assert.deepEqual(steps.running(), []);
  });

  it('ends at once when there is nothing to do', async () => {
    assert.equal((await new Steered().run([], 2)).size, 0);
  });
});

function node(name: string, ...needs: string[]): { name: string; needs: string[] } {
  return { name, needs };
}

/** Steps that begin when the graph says so and end when the test says so. */
class Steered {
  readonly skipped: string[] = [];
  private readonly ends = new Map<string, { resolve: (state: StepState) => void; reject: (error: Error) => void }>();
  private waiting: { name: string; resolve: () => void } | undefined;

  run(nodes: { name: string; needs: string[] }[], width: number): Promise<ReadonlyMap<string, StepState>> {
    return runGraph(
      nodes,
      width,
      ({ name }) =>
        new Promise((resolve, reject) => {
          this.ends.set(name, { resolve, reject });
          if (this.waiting?.name === name) this.waiting.resolve();
        }),
      ({ name }, because) => this.skipped.push(`${name} because of ${because}`),
    );
  }

  running(): string[] {
    return [...this.ends.keys()];
  }

  started(name: string): Promise<void> {
    if (this.ends.has(name)) return Promise.resolve();
    return new Promise((resolve) => (this.waiting = { name, resolve }));
  }

  end(name: string, state: StepState = 'passed'): void {
    this.take(name).resolve(state);
  }

  break(name: string, error: Error): void {
    this.take(name).reject(error);
  }

  private take(name: string): { resolve: (state: StepState) => void; reject: (error: Error) => void } {
    const step = this.ends.get(name);
    assert.ok(step, `${name} runs`);
    this.ends.delete(name);
    return step;
  }
}
