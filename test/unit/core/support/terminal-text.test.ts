import assert from 'node:assert/strict';
import { PlainLines, plainLine } from '../../../../src/core/support/terminal-text';

describe('terminal output as plain lines', () => {
  it('drops colours and other styles', () => {
    assert.equal(plainLine('\x1b[1;32m✓\x1b[0m adds \x1b[38;5;208mtwo\x1b[m carts'), '✓ adds two carts');
    assert.equal(plainLine('\x9b31mred\x9b0m'), 'red');
  });

  it('drops titles and keeps the text of hyperlinks', () => {
    assert.equal(plainLine('\x1b]0;npm test\x07running'), 'running');
    assert.equal(plainLine('\x1b]8;;https://example.com\x1b\\docs\x1b]8;;\x1b\\ here'), 'docs here');
  });

  it('drops incomplete escapes and lone control characters', () => {
    assert.equal(plainLine('\x1b(Bplain\x1b=\x00\x07'), 'plain');
  });

  it('keeps the last state of a progress bar', () => {
    assert.equal(plainLine('[=   ] 25%\r[==  ] 50%\r[====] done'), '[====] done');
    assert.equal(plainLine('downloading 100%\r\x1b[Kready'), 'ready');
    assert.equal(plainLine('long line\rshort'), 'shortline');
    assert.equal(plainLine('long line\x1b[2K\x1b[1Gshort'), 'short');
  });

  it('applies backspaces', () => {
    assert.equal(plainLine('|\b/\b-\bdone'), 'done');
  });

  it('keeps tabs, other scripts and line ends of Windows', () => {
    assert.equal(plainLine('a\tb — größer 日本 🚀\r'), 'a\tb — größer 日本 🚀');
  });

  it('drops a code that the end of the text cuts off', () => {
    assert.equal(plainLine('text\x1b[3'), 'text');
    assert.equal(plainLine('text\x1b'), 'text');
    assert.equal(plainLine('text\x1b]0;never ended'), 'text');
  });

  it('gives the same lines for any chunks', () => {
    const output = '\x1b[32mone\x1b[0m\r\ntwo\r\x1b[Kzwei\n\x1b]0;t\x07three\nfour';
    for (let cut = 0; cut <= output.length; cut++) {
      const lines = new PlainLines();
      const all = [...lines.take(output.slice(0, cut)), ...lines.take(output.slice(cut)), ...lines.end()];
      assert.deepEqual(all, ['one', 'zwei', 'three', 'four'], `cut at ${cut}`);
    }
  });

  it('splits an endless line without loss', () => {
    const lines = new PlainLines();
    const pieces = [...Array.from({ length: 10 }, () => 'x'.repeat(30_000)).flatMap((chunk) => lines.take(chunk)), ...lines.end()];
    assert.ok(pieces.length > 3);
    assert.equal(pieces.join('').length, 300_000);
  });
});
