import * as assert from 'node:assert/strict';
import { pollDelayAfter, type Poll } from '../../../../../src/core/ci/follow/poll-schedule';

const now = Date.parse('2026-11-24T10:00:00Z');

function after(round: Partial<Poll>): number {
  return pollDelayAfter({ state: 'going on', isVisible: true, unchanged: 0, failures: 0, requests: 3, ...round }, now).ms;
}

function inSeconds(seconds: number): string {
  return new Date(now + seconds * 1000).toISOString();
}

describe('pollDelayAfter', () => {
  it('polls every two seconds while a window shows a changing run', () => {
    assert.equal(after({}), 2000);
  });

  it('polls a little less often after each unchanged poll, at least every eight seconds', () => {
    const pauses = [0, 1, 2, 3, 20, 1000].map((unchanged) => after({ unchanged }));
    assert.deepEqual(
      pauses,
      [...pauses].sort((a, b) => a - b),
    );
    assert.deepEqual([pauses[0], pauses[1], pauses.at(-1)], [2000, 2600, 8000]);
  });

  it('polls less often while a run waits, and least often without one', () => {
    assert.deepEqual([after({ state: 'waiting' }), after({ state: 'waiting', unchanged: 99 })], [3000, 15_000]);
    assert.deepEqual([after({ state: 'resting' }), after({ state: 'resting', unchanged: 99 })], [30_000, 60_000]);
  });

  it('polls ten times less often while no window shows it, at least every five minutes', () => {
    assert.equal(after({ isVisible: false }), 20_000);
    assert.equal(after({ isVisible: false, unchanged: 99 }), 80_000);
    assert.equal(after({ isVisible: false, state: 'resting', unchanged: 99 }), 300_000);
  });

  describe('after a failed poll', () => {
    it('doubles the delay each time, up to a minute', () => {
      assert.deepEqual(
        [1, 2, 3, 4, 5, 6, 7, 1000].map((failures) => after({ failures })),
        [2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000],
      );
    });

    it('waits until the time that the answer demands', () => {
      assert.equal(after({ failures: 1, retryAt: inSeconds(600) }), 600_000);
    });

    it('ignores a demanded time in the past', () => {
      assert.equal(after({ failures: 2, retryAt: inSeconds(-600) }), 4000);
    });
  });

  describe('within the rate limit', () => {
    it('does not slow down while enough requests remain', () => {
      const allowance = { limit: 5000, remaining: 4900, resetAt: inSeconds(3600) };
      assert.deepEqual(pollDelayAfter({ state: 'going on', isVisible: true, unchanged: 0, failures: 0, requests: 2, allowance }, now), {
        ms: 2000,
        isSlowed: false,
      });
    });

    it('spreads the remaining requests until the limit resets, and reserves a fifth for others', () => {
      const allowance = { limit: 1000, remaining: 500, resetAt: inSeconds(3000) };
      // 300 requests in 3,000 s, 3 at a time.
      const pause = pollDelayAfter({ state: 'going on', isVisible: true, unchanged: 0, failures: 0, requests: 3, allowance }, now);
      assert.deepEqual(pause, { ms: 30_000, isSlowed: true });
      assert.equal(after({ requests: 6, allowance }), 60_000);
    });

    it('waits for the reset when only the reserve remains', () => {
      const allowance = { limit: 1000, remaining: 201, resetAt: inSeconds(700) };
      assert.equal(after({ allowance }), 700_000);
    });

    it('ignores a reset in the past', () => {
      assert.equal(after({ allowance: { limit: 1000, remaining: 0, resetAt: inSeconds(-1) } }), 2000);
    });
  });
});
