import * as assert from 'node:assert/strict';
import { pollDelayAfter, type Round } from '../../../../../src/core/ci/follow/poll-schedule';

const now = Date.parse('2026-11-24T10:00:00Z');

function after(round: Partial<Round>): number {
  return pollDelayAfter({ state: 'going on', isSeen: true, unchanged: 0, failures: 0, requests: 3, ...round }, now).ms;
}

function inSeconds(seconds: number): string {
  return new Date(now + seconds * 1000).toISOString();
}

describe('A CI service is asked again', () => {
  it('every two seconds while somebody looks and something happens', () => {
    assert.equal(after({}), 2000);
  });

  it('a little later each time that nothing has changed, eight seconds later at most', () => {
    const pauses = [0, 1, 2, 3, 20, 1000].map((unchanged) => after({ unchanged }));
    assert.deepEqual(
      pauses,
      [...pauses].sort((a, b) => a - b),
    );
    assert.deepEqual([pauses[0], pauses[1], pauses.at(-1)], [2000, 2600, 8000]);
  });

  it('more seldom while it waits, and most seldom while nothing goes on', () => {
    assert.deepEqual([after({ state: 'waiting' }), after({ state: 'waiting', unchanged: 99 })], [3000, 15_000]);
    assert.deepEqual([after({ state: 'resting' }), after({ state: 'resting', unchanged: 99 })], [30_000, 60_000]);
  });

  it('ten times more seldom while nobody looks, but every five minutes', () => {
    assert.equal(after({ isSeen: false }), 20_000);
    assert.equal(after({ isSeen: false, unchanged: 99 }), 80_000);
    assert.equal(after({ isSeen: false, state: 'resting', unchanged: 99 }), 300_000);
  });

  describe('after an answer that failed', () => {
    it('twice as late each time, a minute later at most', () => {
      assert.deepEqual(
        [1, 2, 3, 4, 5, 6, 7, 1000].map((failures) => after({ failures })),
        [2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000],
      );
    });

    it('not before the time that it names', () => {
      assert.equal(after({ failures: 1, retryAt: inSeconds(600) }), 600_000);
    });

    it('as late as ever where that time is over', () => {
      assert.equal(after({ failures: 2, retryAt: inSeconds(-600) }), 4000);
    });
  });

  describe('within what it allows', () => {
    it('as often as ever where that is plenty', () => {
      const allowance = { limit: 5000, remaining: 4900, resetAt: inSeconds(3600) };
      assert.deepEqual(pollDelayAfter({ state: 'going on', isSeen: true, unchanged: 0, failures: 0, requests: 2, allowance }, now), {
        ms: 2000,
        isSlowed: false,
      });
    });

    it('so that it lasts until there is more, with a fifth of it left for others', () => {
      const allowance = { limit: 1000, remaining: 500, resetAt: inSeconds(3000) };
      // 300 requests in 3,000 s, 3 at a time.
      const pause = pollDelayAfter({ state: 'going on', isSeen: true, unchanged: 0, failures: 0, requests: 3, allowance }, now);
      assert.deepEqual(pause, { ms: 30_000, isSlowed: true });
      assert.equal(after({ requests: 6, allowance }), 60_000);
    });

    it('when there is more, where only what is left for others is left', () => {
      const allowance = { limit: 1000, remaining: 201, resetAt: inSeconds(700) };
      assert.equal(after({ allowance }), 700_000);
    });

    it('as often as ever where there is more by now', () => {
      assert.equal(after({ allowance: { limit: 1000, remaining: 0, resetAt: inSeconds(-1) } }), 2000);
    });
  });
});
