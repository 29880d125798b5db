import assert from 'node:assert/strict';
import { BoundedText } from '../../../../src/editor/logs/bounded-text';

describe('BoundedText', () => {
  it('keeps the last whole lines, and shows how much is omitted', () => {
    let shown = '';
    const sink = { append: (text: string) => void (shown += text), replace: (text: string) => void (shown = text) };
    const text = new BoundedText(sink, 100_000, 20_000);
    for (let line = 0; line < 20_000; line++) text.append(`line ${String(line).padStart(6, '0')}\n`);
    assert.ok(shown.length <= 100_000);
    const [note, first] = shown.split('\n');
    assert.match(note ?? '', /^… (1\d\d kB|0\.\d MB) of earlier output omitted\./);
    assert.match(first ?? '', /^line \d{6}$/);
    assert.ok(shown.endsWith('line 019999\n'));
    assert.equal(text.toString(), shown);
  });
});
