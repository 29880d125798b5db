import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { markedLines } from '../../../../../src/core/ci/follow/job-log';
import { temporaryFolder } from '../../../../support/temporary';

const mark = '@deliver ';

describe('the marked lines of a log', () => {
  const folder = temporaryFolder();
  const linesOf = async (log: string, from = 0): Promise<string[]> => {
    const file = path.join(folder.path, 'step.log');
    fs.writeFileSync(file, log);
    return markedLines(file, from, mark);
  };

  it('begin with the mark, whatever stands before it', async () => {
    assert.deepEqual(await linesOf('a\n[10:32] @deliver 1\nb\n@deliver 2 @deliver 3\n@deliver'), ['@deliver 1', '@deliver 2 @deliver 3']);
  });

  it('are also one that the log ends with', async () => {
    assert.deepEqual(await linesOf('a\n@deliver 1'), ['@deliver 1']);
  });

  it('are those after a place in it', async () => {
    assert.deepEqual(await linesOf('@deliver 1\n@deliver 2\n', 11), ['@deliver 2']);
  });

  it('are found where the log is read in pieces', async () => {
    // Pieces are of 1 MB: marks and ends of lines around the end of the first.
    for (let before = (1 << 20) - 30; before < (1 << 20) + 3; before++)
      assert.deepEqual(
        await linesOf(`${'x'.repeat(before)}@deliver one\n@deliver two\n`),
        ['@deliver one', '@deliver two'],
        String(before),
      );
  });

  it('are none that has no end', async () => {
    const endless = '@deliver '.repeat(300_000);
    assert.deepEqual(await linesOf(`${endless}\n@deliver 1\n`), ['@deliver 1']);
    assert.deepEqual(await linesOf(`@deliver 1\n${endless}`), ['@deliver 1']);
    assert.deepEqual(await linesOf(`@deliver ${'y'.repeat(300_000)}\n@deliver 1\n`), ['@deliver 1']);
  });

  it('are not more than can be meant', async () => {
    assert.equal((await linesOf('@deliver 1\n'.repeat(200_000))).length, 1_000);
  });

  it('are none of an empty log', async () => {
    assert.deepEqual(await linesOf(''), []);
  });
});
