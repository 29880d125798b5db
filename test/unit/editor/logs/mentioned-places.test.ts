import assert from 'node:assert/strict';
import { candidates, mentionsIn } from '../../../../src/editor/logs/mentioned-places';

describe('places that a log mentions', () => {
  const found = (text: string) =>
    mentionsIn(text).map(({ path, line, column }) => [path, line, column].filter((part) => part !== undefined).join(' '));

  it('finds relative paths with line and column in the shapes of tools', () => {
    assert.deepEqual(found('src/cart.ts:12:5 - error TS2304'), ['src/cart.ts 12 5']);
    assert.deepEqual(found('src/cart.ts(12,5): error TS2304'), ['src/cart.ts 12 5']);
    assert.deepEqual(found('    at total (/slot/src/cart.js:2:10)'), ['/slot/src/cart.js 2 10']);
    assert.deepEqual(found('./main.go:7: undefined: x'), ['./main.go 7']);
    assert.deepEqual(found('checking test/cart.test.js'), ['test/cart.test.js']);
  });

  it('marks exactly the mention', () => {
    const [mention] = mentionsIn('see src/a.ts:3 there');
    assert.equal('see src/a.ts:3 there'.slice(mention?.start, mention?.end), 'src/a.ts:3');
  });

  it('takes the address of a file for the file', () => {
    const line = '    at test (file:///slot/test/a.test.js:14:10)';
    assert.deepEqual(found(line), ['/slot/test/a.test.js 14 10']);
    const [mention] = mentionsIn(line);
    assert.equal(line.slice(mention?.start, mention?.end), 'file:///slot/test/a.test.js:14:10');
  });

  it('takes neither an address nor a version for a file', () => {
    assert.deepEqual(found('listening on http://127.0.0.1:4100/healthz'), []);
    assert.deepEqual(found('version 1.2.3'), []);
  });

  it('takes the whole rest of the line for the whole log', () => {
    assert.deepEqual(found('… 7.9 MB left out; whole log: /home/ada/my runs/test.log'), ['/home/ada/my runs/test.log']);
  });

  const roots = { repository: '/home/ada/shop', folder: '/home/ada/shop/cart', slots: ['/deliver/slots/1'] };

  it('looks in the folder of the service first, then in the repository', () => {
    assert.deepEqual(candidates('src/a.ts', roots), ['/home/ada/shop/cart/src/a.ts', '/home/ada/shop/src/a.ts']);
  });

  it('takes a path of the checkout to the working copy', () => {
    assert.deepEqual(candidates('/deliver/slots/1/cart/src/a.ts', roots), ['/home/ada/shop/cart/src/a.ts']);
  });

  it('never leaves the repository', () => {
    assert.deepEqual(candidates('../../.ssh/id_rsa', roots), []);
    assert.deepEqual(candidates('/etc/passwd', roots), []);
    assert.deepEqual(candidates('/deliver/slots/1/../../../etc/passwd', roots), []);
  });
});
