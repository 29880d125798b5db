import * as assert from 'node:assert/strict';
import { Mask } from '../../../../src/core/support/masking';

const secret = 'hunter2/with+odd chars&ü';

describe('masking of secrets', () => {
  it('hides a plain secret', () => {
    assert.equal(shown([`token: ${secret}!`]), 'token: ***!');
  });

  it('hides a secret wherever it is split', () => {
    const bytes = Buffer.from(`before ${secret} after`);
    for (let at = 1; at < bytes.length; at++) {
      const mask = new Mask([secret]);
      const text = Buffer.concat([mask.push(bytes.subarray(0, at)), mask.push(bytes.subarray(at)), mask.flush()]).toString();
      assert.equal(text, 'before *** after', `split at ${at}`);
    }
  });

  it('hides a secret that comes byte by byte', () => {
    const mask = new Mask([secret]);
    const parts = [...Buffer.from(`x${secret}y`)].map((byte) => mask.push(Buffer.from([byte])));
    assert.equal(Buffer.concat([...parts, mask.flush()]).toString(), 'x***y');
  });

  for (const [name, encode] of Object.entries({
    'percent-encoded': encodeURIComponent,
    'percent-encoded in lower case': (text: string) => encodeURIComponent(text).replace(/%../g, (code) => code.toLowerCase()),
    'as a form field': (text: string) => new URLSearchParams({ token: text }).toString(),
    'in JSON': (text: string) => JSON.stringify({ token: text }),
    'in base64': (text: string) => Buffer.from(text).toString('base64'),
    'in base64 behind one byte': (text: string) => Buffer.from(`:${text}`).toString('base64'),
    'in base64 as a basic authorization': (text: string) => Buffer.from(`user:${text}`).toString('base64'),
    'in base64 between others': (text: string) => Buffer.from(`ab${text}cd`).toString('base64'),
    'in base64 for URLs': (text: string) => Buffer.from(text).toString('base64url'),
  })) {
    it(`hides a secret ${name}`, () => {
      const text = shown([`[${encode(secret)}]`]);
      assert.ok(text.includes('***'), text);
      for (const form of [secret, 'hunter2', Buffer.from(secret).toString('base64').slice(4, -6)]) assert.ok(!text.includes(form), text);
    });
  }

  it('hides each line of a secret of several lines', () => {
    assert.equal(new Mask(['first line\nsecond line']).text('a first line b\nc second line d'), 'a *** b\nc *** d');
  });

  it('holds back only the beginning of a secret', () => {
    assert.equal(new Mask([secret]).push(Buffer.from('50 %\r')).toString(), '50 %\r');
  });

  it('returns the bytes that it held back at the end', () => {
    assert.equal(shown(['the hunter2/wi']), 'the hunter2/wi');
  });

  it('keeps bytes that are not text', () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const mask = new Mask([secret]);
    assert.deepEqual(Buffer.concat([mask.push(bytes), mask.flush()]), bytes);
  });

  it('ignores secrets that are empty or very short', () => {
    assert.equal(new Mask(['', 'a', ' ']).text('a b c'), 'a b c');
  });

  it('hides two secrets with the same beginning', () => {
    assert.equal(new Mask(['abcdef', 'abcdefghij']).text('abcdefghij abcdef'), '*** ***');
  });
});

function shown(chunks: readonly string[]): string {
  const mask = new Mask([secret]);
  return Buffer.concat([...chunks.map((chunk) => mask.push(Buffer.from(chunk))), mask.flush()]).toString();
}
