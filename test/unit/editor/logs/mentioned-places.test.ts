import assert from 'node:assert/strict';
import { candidates, mentionsIn } from '../../../../src/editor/logs/mentioned-places';

describe('mentionsIn', () => {
  const found = (text: string) =>
    mentionsIn(text).map(({ path, line, column }) => [path, line, column].filter((part) => part !== undefined).join(' '));

  it('finds paths with line and column in the formats of common tools', () => {
    assert.deepEqual(found('src/cart.ts:12:5 - error TS2304'), ['src/cart.ts 12 5']);
    assert.deepEqual(found('src/cart.ts(12,5): error TS2304'), ['src/cart.ts 12 5']);
    assert.deepEqual(found('    at total (/slot/src/cart.js:2:10)'), ['/slot/src/cart.js 2 10']);
    assert.deepEqual(found('./main.go:7: undefined: x'), ['./main.go 7']);
    assert.deepEqual(found('checking test/cart.test.js'), ['test/cart.test.js']);
  });

  it('returns the range of the path', () => {
    const [mention] = mentionsIn('see src/a.ts:3 there');
    assert.equal('see src/a.ts:3 there'.slice(mention?.start, mention?.end), 'src/a.ts:3');
  });

  it('reads a file URL as a path', () => {
    const line = '    at test (file:///slot/test/a.test.js:14:10)';
    assert.deepEqual(found(line), ['/slot/test/a.test.js 14 10']);
    const [mention] = mentionsIn(line);
    assert.equal(line.slice(mention?.start, mention?.end), 'file:///slot/test/a.test.js:14:10');
  });

  it('ignores web addresses and versions', () => {
    assert.deepEqual(found('listening on http://127.0.0.1:4100/healthz'), []);
    assert.deepEqual(found('version 1.2.3'), []);
  });

  it('reads the rest of the line as the path of a full log', () => {
    assert.deepEqual(found('… 7.9 MB omitted. Full log: /home/ada/my runs/test.log'), ['/home/ada/my runs/test.log']);
  });
});

describe('candidates', () => {
  const roots = { repository: '/home/ada/shop', folder: '/home/ada/shop/cart', slots: ['/deliver/slots/1'] };

  it('returns the file in the service folder first, then the one in the repository', () => {
    assert.deepEqual(candidates('src/a.ts', roots), ['/home/ada/shop/cart/src/a.ts', '/home/ada/shop/src/a.ts']);
  });

  it('maps a path in a checkout to the working copy', () => {
    assert.deepEqual(candidates('/deliver/slots/1/cart/src/a.ts', roots), ['/home/ada/shop/cart/src/a.ts']);
  });

  it('never returns a file outside the repository', () => {
    assert.deepEqual(candidates('../../.ssh/id_rsa', roots), []);
    assert.deepEqual(candidates('/etc/passwd', roots), []);
    assert.deepEqual(candidates('/deliver/slots/1/../../../etc/passwd', roots), []);
  });
});
