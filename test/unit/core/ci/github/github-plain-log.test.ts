import * as assert from 'node:assert/strict';
import { plainGithubLog } from '../../../../../src/core/ci/github/log';
import { logOf } from '../../../../support/ci/github-answers';

const time = '2026-11-24T10:00:00.1234567Z ';

function plain(log: string | Buffer, size = Infinity): Buffer {
  const bytes = Buffer.from(log as string);
  const reading = plainGithubLog();
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) parts.push(reading.push(bytes.subarray(at, Math.min(bytes.length, at + size))));
  return Buffer.concat([...parts, reading.flush()]);
}

describe('plainGithubLog', () => {
  it('removes times and the byte order mark at the start', () => {
    assert.equal(plain(`\ufeff${time}one\n${time}\n${time}  two\n`).toString(), 'one\n\n  two\n');
  });

  it('keeps times, marks and byte order marks that a step printed', () => {
    const printed = `${time}again\n2026-11-24 at noon\n\ufeffkept\nsaid ##[error]inside\n##[unknown]x\n`;
    assert.equal(plain(logOf({ log: Buffer.from(printed) })).toString(), printed);
  });

  it('keeps lines without a time', () => {
    assert.equal(plain('bare\n2026-11-24T10:00:00Z short\n').toString(), 'bare\n2026-11-24T10:00:00Z short\n');
  });

  it('replaces the marks of the runner', () => {
    const lines = [
      '##[group]Run npm test',
      '##[command]npm test',
      '##[endgroup]',
      '##[warning]old',
      '##[error]Process completed with exit code 1.',
      '##[endgroup]\r',
      '##[endgroup]said behind it',
    ];
    const expected = ['▸ Run npm test', '$ npm test', 'Warning: old', 'Error: Process completed with exit code 1.', 'said behind it'];
    assert.equal(plain(lines.map((line) => `${time}${line}\n`).join('')).toString(), `${expected.join('\n')}\n`);
  });

  it('loses no byte, wherever the log is split', () => {
    const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const printed = Buffer.concat([
      every,
      Buffer.from('50 %\r100 %\r\nnul \0 here\n\n\n'),
      Buffer.from([0xff, 0xfe, 0xc3, 0x0a, 0xef, 0xbb]),
      Buffer.from(`\n${'x'.repeat(500)}\n##[`),
    ]);
    const log = logOf({ log: printed });
    for (const size of [1, 2, 3, 7, 29, 30, 31, 32, 33, 63, 64, 65, 1000, Infinity])
      assert.deepEqual(plain(log, size), printed, `in pieces of ${size}`);
  });

  it('returns nothing for an empty log', () => {
    assert.equal(plain('').length, 0);
    assert.equal(plain('\ufeff').length, 0);
    assert.equal(plain(`\ufeff${time}no line end`, 5).toString(), 'no line end');
    assert.equal(plain(`${time}##[endgroup]`).length, 0);
  });
});
