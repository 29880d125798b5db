import * as assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { SerialQueue } from '../../../../src/core/support/serial-queue';

describe('a serial queue', () => {
  it('runs one task at a time, in the order in which they came', async () => {
    const queue = new SerialQueue();
    const steps: string[] = [];
    const task = (name: string, ms: number) => async (): Promise<string> => {
      steps.push(`${name} begins`);
      await delay(ms);
      steps.push(`${name} ends`);
      return name;
    };
    assert.deepEqual(await Promise.all([queue.run(task('a', 20)), queue.run(task('b', 0))]), ['a', 'b']);
    assert.deepEqual(steps, ['a begins', 'a ends', 'b begins', 'b ends']);
  });

  it('runs the next task after one that fails', async () => {
    const queue = new SerialQueue();
    const failed = queue.run(async () => Promise.reject(new Error('broken')));
    const next = queue.run(async () => 'next');
    await assert.rejects(failed, /broken/);
    assert.equal(await next, 'next');
  });
});
