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

  const odd = `p4ss/w0rd+with=odd&chars"and'quotes$x\\y<ü>!`;
  const hex = Buffer.from(odd).toString('hex');
  const wrapped = (text: string, width: number): string => text.replace(new RegExp(`.{${width}}`, 'g'), '$&\n');
  for (const [name, printed] of Object.entries({
    'as encodeURI writes it': encodeURI(odd),
    'in JSON of Go': JSON.stringify(odd).replace(/[<>&]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`),
    'in JSON of Python': JSON.stringify(odd).replace('ü', '\\u00fc'),
    'in JSON of PHP': JSON.stringify(odd).replace('/', '\\/'),
    'in HTML': odd.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;').replace(/'/g, '&#39;'),
    'in XML': odd.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;').replace(/'/g, '&apos;'),
    'in XML of Python': odd.replace('ü', '&#252;'),
    'in JSON that is quoted in JSON': JSON.stringify(JSON.stringify(odd)),
    'as a form field': new URLSearchParams({ token: `${odd}*` }).toString(),
    'as the password of a URL': Object.assign(new URL('https://host/'), { password: odd }).href,
    'as the path of a URL': Object.assign(new URL('http://h/'), { pathname: odd }).href,
    'in SQL': `'${odd.replace(/'/g, `''`)}'`,
    'as ascii of Python writes it': `'${odd.replace(/[\\']/g, '\\$&').replace('ü', '\\xfc')}'`,
    'in single quotes': `'${odd.replace(/'/g, `'\\''`)}'`,
    'in double quotes': `"${odd.replace(/[\\"$]/g, '\\$&')}"`,
    'as printf %q writes it': 'p4ss/w0rd+with=odd\\&chars\\"and\\\'quotes\\$x\\\\y\\<ü\\>\\!',
    'as repr of Python writes it': `'${odd.replace(/[\\']/g, '\\$&')}'`,
    'as repr of Python writes its bytes': `b'${odd.replace(/[\\']/g, '\\$&').replace('ü', '\\xc3\\xbc')}'`,
    'in hexadecimal digits': hex,
    'in upper-case hexadecimal digits': hex.toUpperCase(),
    'as od writes it': hex.replace(/../g, ' $&').replace(/.{48}/g, '$&\n'),
    'as openssl writes it': (hex.match(/../g) ?? []).join(':').toUpperCase(),
    'in UTF-16 and base64': Buffer.from(odd, 'utf16le').toString('base64'),
    'in wrapped hexadecimal digits': wrapped(hex, 60),
    'in wrapped lines': wrapped(odd, 10),
    'with colours in it': `${odd.slice(0, 9)}\x1b[1;31m${odd.slice(9, 20)}\x1b[0m${odd.slice(20)}`,
    ...Object.fromEntries(
      [76, 64, 1, 2, 3, 4, 5, 17].flatMap((width) =>
        ['', 'a', 'user:'].map((before) => [
          `in base64 of lines of ${width} after ${before.length} other bytes`,
          wrapped(Buffer.from(before + odd).toString('base64'), width),
        ]),
      ),
    ),
  })) {
    it(`hides a secret ${name}`, () => {
      const mask = new Mask([odd]);
      const text = mask.text(`[${printed}]`).replaceAll('\n', '');
      assert.match(text, /^\[.{0,12}\*{3}.{0,10}\]$/);
      for (let at = 1; at < printed.length; at++) {
        const parts = [mask.push(Buffer.from(`[${printed.slice(0, at)}`)), mask.push(Buffer.from(`${printed.slice(at)}]`)), mask.flush()];
        const shown = Buffer.concat(parts).toString().replaceAll('\n', '');
        assert.ok(shown.length < 40, `split at ${at}: ${shown}`);
      }
    });
  }

  it('hides a key of several lines in base64', () => {
    const key = ['-----BEGIN KEY-----', 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcw', 'ab', '-----END KEY-----'].join('\n');
    assert.equal(new Mask([key]).text(wrapped(Buffer.from(key).toString('base64'), 76)).replace(/.?=*$/, ''), '***');
    assert.equal(new Mask([key]).text(key.replaceAll('\n', '')), '***');
  });

  it('returns a line at once though a secret may continue in the next line', () => {
    assert.equal(new Mask(['token-of-mine']).push(Buffer.from('the last\n')).toString(), 'the last\n');
    const mask = new Mask(['token-of-mine']);
    assert.equal(mask.push(Buffer.from('a t\n')).toString(), 'a t\n');
    assert.equal(Buffer.concat([mask.push(Buffer.from('oken-of-mine!')), mask.flush()]).toString(), '***!');
  });

  it('does not join a short secret from two lines', () => {
    assert.equal(new Mask(['pass']).text('pa\nss pass'), 'pa\nss ***');
  });

  it('hides two secrets that overlap', () => {
    assert.equal(new Mask(['abcdefgh', 'ghijklmn']).text('-abcdefghijklmn-'), '-***-');
  });

  it('finds secrets wherever they are among other text', () => {
    const secrets = ['k3y-0f-the-house', 'another/Secret+1', 'four'];
    const filler = 'abcdefgh k3y 0f house\nsecret another/four \r\n';
    const mask = new Mask(secrets);
    for (let length = 0; length < 40; length++) {
      const before = filler.slice(0, length).replace('four', 'tour');
      for (const secret of secrets) assert.equal(mask.text(`${before}|${secret}|x`), `${before}|***|x`);
    }
  });

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
