import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { markedLines } from '../../../../../src/core/ci/follow/job-log';
import { temporaryFolder } from '../../../../support/temporary';

const mark = '@deliver ';

describe('markedLines', () => {
  const folder = temporaryFolder();
  const linesOf = async (log: string, from = 0): Promise<string[]> => {
    const file = path.join(folder.path, 'step.log');
    fs.writeFileSync(file, log);
    return markedLines(file, from, mark);
  };

  it('returns lines from their mark on', async () => {
    assert.deepEqual(await linesOf('a\n[10:32] @deliver 1\nb\n@deliver 2 @deliver 3\n@deliver'), ['@deliver 1', '@deliver 2 @deliver 3']);
  });

  it('returns an unfinished last line', async () => {
    assert.deepEqual(await linesOf('a\n@deliver 1'), ['@deliver 1']);
  });

  it('starts at an offset', async () => {
    assert.deepEqual(await linesOf('@deliver 1\n@deliver 2\n', 11), ['@deliver 2']);
  });

  it('finds marks at the boundary of two chunks', async () => {
    // Chunks have 1 MB: marks and line ends are around the end of the first.
    for (let before = (1 << 20) - 30; before < (1 << 20) + 3; before++)
      assert.deepEqual(
        await linesOf(`${'x'.repeat(before)}@deliver one\n@deliver two\n`),
        ['@deliver one', '@deliver two'],
        String(before),
      );
  });

  it('skips a line without end', async () => {
    const endless = '@deliver '.repeat(300_000);
    assert.deepEqual(await linesOf(`${endless}\n@deliver 1\n`), ['@deliver 1']);
    assert.deepEqual(await linesOf(`@deliver 1\n${endless}`), ['@deliver 1']);
    assert.deepEqual(await linesOf(`@deliver ${'y'.repeat(300_000)}\n@deliver 1\n`), ['@deliver 1']);
  });

  it('limits their number', async () => {
    assert.equal((await linesOf('@deliver 1\n'.repeat(200_000))).length, 1_000);
  });

  it('returns nothing for an empty log', async () => {
    assert.deepEqual(await linesOf(''), []);
  });
});
