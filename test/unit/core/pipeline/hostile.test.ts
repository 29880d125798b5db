import assert from 'node:assert/strict';
import { parsePipeline } from '../../../../src/core/pipeline/parse';

const million = 1_000_000;

function filled(unit: string, start = '', end = ''): string {
  return start + unit.repeat(Math.floor((million - start.length - end.length) / unit.length)) + end;
}

function numbered(line: (index: number) => string, start = ''): string {
  let text = start;
  for (let index = 0; text.length < million - 100; index++) text += line(index);
  return text;
}

const bomb = `a: &a [x, x, x, x, x, x, x, x, x]\n${[...'bcdefghi']
  .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[index]}`).join(', ')}]\n`)
  .join('')}`;

/** Mistakes and attacks, each with its error message. */
const files: Record<string, [text: string, error: RegExp]> = {
  'ten megabytes': ['a: 1\n'.repeat(2 * million), /^1:1 the file is too large: 10000 kB; at most 1000 kB are read/],
  'an alias bomb': [bomb, /aliases of the file cannot be followed/],
  'very many aliases': [filled('*a, ', 'a: &a x\nb: [', ']'), /more than 100 aliases/],
  'an alias of itself': ['service: &a [*a]\nsteps: {a: {run: x}}\n', /`service` is text, not a list/],
  'NUL bytes': ['service: a\nst\0eps: 1\n', /^2:3 the file holds a control character \(0x00\)/],
  'only NUL bytes': [filled('\0'), /^1:1 the file holds a control character \(0x00\)/],
  'UTF-16': [Buffer.from('service: a\n', 'utf16le').toString('utf8'), /control character|not UTF-8/],
  'bytes that are no UTF-8': [Buffer.from([0x61, 0x3a, 0x20, 0xff, 0xfe]).toString('utf8'), /^1:4 the file is not UTF-8 text/],
  'an escape code': ['service: \u001b[31ma\n', /control character \(0x1b\)/],
  'many keys': [numbered((index) => `key${index}: ${index}\n`), /too many lines and values/],
  'many steps': [numbered((index) => `  s${index}: {run: x}\n`, 'service: a\nsteps:\n'), /too many lines and values/],
  'deep lists': [filled('['), /nested more than 100 deep/],
  'deep mappings': [filled('{a: '), /nested more than 100 deep/],
  'deep block lists': [filled('- '), /nested more than 100 deep/],
  'deep keys': [filled('? '), /nested more than 100 deep/],
  'deep indentation': [Array.from({ length: 1300 }, (_, index) => `${' '.repeat(index)}a:\n`).join(''), /nested more than 100 deep/],
  'an escaped NUL in a command': [
    'service: a\nsteps: {a: {run: "echo a\\0b"}}\n',
    /^2:18 a value holds a NUL character, which no command or file name can hold/,
  ],
  'an escaped NUL in a path': ['service: a\nsteps: {a: {run: x, inputs: ["a\\0b"]}}\n', /^2:30 a value holds a NUL character/],
  'half of a character': ['service: a\nsteps: {a: {run: "echo \\ud800"}}\n', /^2:18 a value holds half of a character/],
  'a command of too many bytes': [
    `service: a\nsteps: {a: {run: "${'語'.repeat(50_000)}"}}\n`,
    /^2:18 a value holds more than 131000 bytes/,
  ],
  'a step that is called __proto__': ['service: a\nsteps: {a: {run: x}, __proto__: {run: x}}\n', /^2:22 `__proto__` is not a valid name/],
  'a variable that is called __proto__': [
    'service: a\nsteps: {a: {run: x, env: {__proto__: x}}}\n',
    /^2:27 `__proto__` is not a valid name/,
  ],
  'an environment that is called __proto__': [
    'service: a\nsteps: {a: {run: x}}\nenvironments: {__proto__: {}}\n',
    /^3:16 `__proto__` is not a valid name/,
  ],
  'a step that is called constructor': [
    'service: a\nsteps: {constructor: {run: x}}\n',
    /2:9 `constructor` is not a valid name: this name is reserved/,
  ],
  'a variable that is called constructor': [
    'service: a\nsteps: {a: {run: x, env: {constructor: x}}}\n',
    /`constructor` is not a valid name/,
  ],
  'an environment that is called toString': [
    'service: a\nsteps: {a: {run: x}}\nenvironments: {toString: {process: {command: x}}}\n',
    /`toString` is not a valid name: this name is reserved/,
  ],
  'a step that Windows cannot name': ['service: a\nsteps: {nul: {run: x}}\n', /`nul` is not a valid name: this name is reserved/],
  'a service whose last dot Windows drops': ['service: a.\nsteps: {a: {run: x}}\n', /`service`: this name is reserved/],
  'a name that is too long for a file': [`service: ${'a'.repeat(101)}\nsteps: {a: {run: x}}\n`, /a name holds up to 100 letters/],
  'environments that differ only in case': [
    'service: a\nsteps: {a: {run: x}}\nenvironments: {Staging: {process: {command: x}}, staging: {process: {command: x}}}\n',
    /^3:50 environments Staging and staging differ only in case/,
  ],
  'a health path that no request can have': [
    'service: a\nsteps: {a: {run: x}}\nenvironments: {s: {process: {command: x, health: {path: "/a b"}}}}\n',
    /a path of the service holds only printable ASCII/,
  ],
  'one long quoted value': [filled('\n', 'service: "', '"'), /a value of more than 100000 characters|too many/],
  'one long folded value': [filled('\n a', "service: '", "'"), /a value of more than/],
  'one long plain value': [filled('  word\n', 'service: a\n'), /a value of more than/],
  'an open quote': [filled('a', 'service: "'), /a value of more than|missing closing/],
  'quotes alone': [filled('"'), /./],
  'tabs alone': [filled('\t\n'), /./],
  'spaces alone': [filled(' '), /empty|more than/],
  'line ends alone': [filled('\n'), /empty|too many/],
  'carriage returns alone': [filled('\r'), /./],
  'colons alone': [filled(':'), /./],
  'many documents': [filled('---\n'), /too many lines and values/],
  'many anchors': [filled('&a '), /too many lines and values/],
  'many tags': [filled('!a '), /too many lines and values/],
  'many directives': [filled('%a\n'), /./],
  'closing brackets': [filled(']'), /./],
  commas: [filled(',', '['), /too many lines and values/],
};

function errorsOf(text: string): string[] {
  return parsePipeline(text, 'd').errors.map((error) => `${error.line}:${error.column} ${error.message}`);
}

describe('a hostile delivery.yaml', () => {
  for (const [name, [text, expected]] of Object.entries(files)) {
    it(`is answered with a clear error: ${name}`, () => {
      const { pipeline, errors } = parsePipeline(text, 'd');
      assert.equal(pipeline, undefined);
      assert.match(errors.map((error) => `${error.line}:${error.column} ${error.message}`).join('\n'), expected);
      assert.ok(errors.length <= 101, `${errors.length} errors`);
      for (const error of errors) assert.ok(error.message.length < 500, 'a message is one sentence');
    });
  }

  it('shows a hundred errors and counts the others', () => {
    const text = `service: a\nsteps: {a: {run: x}}\n${Array.from({ length: 300 }, (_, index) => `k${index}: 1\n`).join('')}`;
    const errors = errorsOf(text);
    assert.equal(errors.length, 101);
    assert.equal(errors[0], '3:1 unknown key `k0`');
    assert.match(errors[100] ?? '', /and 200 more errors$/);
  });

  it('does not refuse a long file of comments and scripts', () => {
    const script = '      echo a line of a long script\n'.repeat(2500);
    const { pipeline, errors } = parsePipeline(`service: a\nsteps:\n  a:\n    run: |\n${script}${'# a comment\n'.repeat(1000)}`, 'd');
    assert.deepEqual(errors, []);
    assert.equal(pipeline?.steps[0]?.run?.split('\n').length, 2501);
  });

  it('follows a chain of needs of any length', () => {
    const steps = Array.from({ length: 700 }, (_, index) => `  s${index}: {run: x, needs: s${(index + 1) % 700}}\n`).join('');
    const [error, ...more] = errorsOf(`service: a\nsteps:\n${steps}`);
    assert.match(error ?? '', /the steps wait for each other: s0 -> s1 .* … -> s0$/);
    assert.deepEqual(more, []);
  });
});
