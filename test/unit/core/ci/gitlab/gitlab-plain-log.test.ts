import * as assert from 'node:assert/strict';
import { GitlabPlainLog } from '../../../../../src/core/ci/gitlab/log';

describe('GitlabPlainLog', () => {
  const time = '2024-05-22T12:43:46.962646Z';
  const cases: readonly (readonly [what: string, log: string, plain: string])[] = [
    ['what has no marks', 'a\nb\r\n\x1b[32mc\x1b[0m', 'a\nb\r\n\x1b[32mc\x1b[0m'],
    ['sections', 'section_start:1716381826:step_script\r\x1b[0Ka\nsection_end:1716381827:step_script\r\x1b[0Kb\n', 'a\nb\n'],
    ['sections with options', 'x section_start:1:my.part-2[collapsed=true,hide=1]\r\x1b[0Ka\n', 'x a\n'],
    [
      'what only looks like a section',
      'section_start:1:a\nsection_starts section_end:x:b\r\x1b[0K\nsection_',
      'section_start:1:a\nsection_starts section_end:x:b\r\x1b[0K\nsection_',
    ],
    ['times', `${time} 00O a\n${time} 01E b\n${time} 00O \n`, 'a\nb\n\n'],
    ['lines that go on', `${time} 00O 10%\r\n${time} 00O+20%\n${time} 00O+!\n${time} 00O b`, '10%\r20%!\nb'],
    [
      'lines of two streams that go on',
      `${time} 00E 10%\r\n${time} 00O hello\n${time} 00E+20%\r\n${time} 00E+30%\n`,
      '10%\r\nhello\n20%\r30%\n',
    ],
    ['sections behind times', `${time} 00O section_start:1:a\r\n${time} 00O+\x1b[0Kb\n`, 'b\n'],
    ['times that a step printed', `a\n${time} 00O b\n`, `a\n${time} 00O b\n`],
    ['lines without a time among others', `${time} 00O a\nb\n${time} 00O c\n`, 'a\nb\nc\n'],
    ['times that a step printed behind its own', `${time} 00O ${time} 00O a\n`, `${time} 00O a\n`],
    ['what ends in half a time', `${time} 00O a\n2024-05`, 'a\n2024-05'],
    ['an empty log', '', ''],
  ];
  for (const [what, log, plain] of cases)
    it(`handles ${what}, wherever the log is split`, () => {
      const bytes = Buffer.from(log, 'latin1');
      for (let size = 1; size <= Math.max(1, bytes.length); size++) {
        const filter = new GitlabPlainLog();
        const pieces: Buffer[] = [];
        for (let at = 0; at < bytes.length; at += size) pieces.push(filter.push(bytes.subarray(at, at + size)));
        pieces.push(filter.flush());
        assert.equal(Buffer.concat(pieces).toString('latin1'), plain, `in pieces of ${size}`);
      }
    });

  it('keeps bytes that are not text', () => {
    const bytes = Buffer.from(Array.from({ length: 512 }, (_, index) => index % 256));
    const filter = new GitlabPlainLog();
    assert.deepEqual(Buffer.concat([filter.push(bytes), filter.flush()]), bytes);
  });
});
