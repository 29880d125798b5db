import assert from 'node:assert/strict';
import { ColouredText, colouredText, plain, plainJson, PlainLines, plainLine } from '../../../../src/core/support/terminal-text';

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

describe('output of programs on a terminal', () => {
  it('keeps colours, tabs and line breaks', () => {
    const text = '\x1b[1;31mred\x1b[0m\tand \x1b[38:5:208mtwo\x1b[m\n\nlines 🚀\n';
    assert.equal(colouredText(text), text);
  });

  it('drops titles, hyperlinks, cursor movements and answers of the terminal', () => {
    for (const code of [
      '\x1b]0;title\x07',
      '\x1b]52;c;ZXZpbA==\x1b\\',
      '\x1b[2J',
      '\x1b[1A',
      '\x1b[6n',
      '\x1bc',
      '\x1bP+q\x1b\\',
      '\x9b2K',
      '\x08',
      '\x07',
    ])
      assert.equal(colouredText(`a${code}b`), 'ab', JSON.stringify(code));
  });

  it('shows both parts of a line that a carriage return would overwrite', () => {
    assert.equal(colouredText('evil\rgood\r\nnext'), 'evil\ngood\nnext');
  });

  it('drops direction marks and invisible characters', () => {
    assert.equal(colouredText('\x1b[31ma\u202eb\u200bc\u2066\x1b[0m'), '\x1b[31mabc\x1b[0m');
    assert.equal(plain('a\u202eb\u2060\u{e0041}c'), 'abc');
  });

  it('ends an incomplete title with its line', () => {
    assert.equal(colouredText('a\x1b]0;never\nb'), 'a\nb');
  });

  it('gives the same text for any chunks', () => {
    const output = Buffer.from('\x1b[32mgrün\x1b[0m\r\ntwo\x1b]0;t\x07three\x1b[2K\n');
    for (let cut = 0; cut <= output.length; cut++) {
      const text = new ColouredText();
      assert.equal(
        text.take(output.subarray(0, cut)) + text.take(output.subarray(cut)),
        '\x1b[32mgrün\x1b[0m\ntwothree\n',
        `cut at ${cut}`,
      );
    }
  });

  it('has JSON of the same value without such characters', () => {
    const value = { title: 'a\u202eb\u009bc', bell: '\x07', face: '🚀', half: '\ud800' };
    const json = plainJson(value);
    assert.deepEqual(JSON.parse(json), value);
    assert.doesNotMatch(json, /[\u0000-\u001f\u0080-\u009f\u202e]/);
  });
});
