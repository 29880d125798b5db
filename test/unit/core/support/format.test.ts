import assert from 'node:assert/strict';
import { age, counted, duration, joined } from '../../../../src/core/support/format';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

describe('the format of values', () => {
  it('shows a duration in at most two units', () => {
    const shown = [340, 949, 950, 8700, minute, 3 * minute + 12 * second, 2 * hour + 5 * minute, 5 * hour, 47 * hour, 3 * day + 4 * hour];
    assert.deepEqual(shown.map(duration), [
      '0.3 s',
      '0.9 s',
      '1 s',
      '9 s',
      '1 min',
      '3 min 12 s',
      '2 h 5 min',
      '5 h',
      '47 h',
      '3 days 4 h',
    ]);
  });

  it('rounds to seconds before it chooses the unit', () => {
    assert.equal(duration(59_600), '1 min');
    assert.equal(duration(hour - 1), '1 h');
  });

  it('shows an age in one unit, and nothing for a date that is not valid', () => {
    const now = Date.parse('2026-11-23T10:00:00Z');
    const shown = [0, -minute, 59 * second, minute, 59 * minute, hour, 47 * hour, 48 * hour, 12 * day].map((ms) =>
      age(new Date(now - ms).toISOString(), now),
    );
    assert.deepEqual(shown, ['just now', 'just now', 'just now', '1 min ago', '59 min ago', '1 h ago', '47 h ago', '2 days ago', '12 days ago']); // prettier-ignore
    assert.equal(age('soon', now), '');
  });

  it('counts in the singular and the plural', () => {
    assert.deepEqual(
      [0, 1, 2].map((count) => counted(count, 'file')),
      ['no files', '1 file', '2 files'],
    );
  });

  it('joins the parts that exist', () => {
    assert.equal(joined(['a', undefined, '', 'b']), 'a · b');
  });
});
