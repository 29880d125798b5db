import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { messageOf } from '../../../../src/core/model/result';

describe('the message of a system error', () => {
  const error = (code: string, syscall: string, more = {}): Error =>
    Object.assign(new Error(`${code}: raw, ${syscall}`), { code, syscall, ...more });

  for (const [name, thrown, message] of [
    ['full disk', error('ENOSPC', 'write', { path: '/home/a' }), '/home/a could not be written: the disk is full (free some space)'],
    [
      'folder of another user',
      error('EACCES', 'mkdir', { path: '/x' }),
      '/x could not be created: permission denied (check its owner and its mode)',
    ],
    [
      'read-only disk',
      error('EROFS', 'open', { path: '/x' }),
      '/x could not be opened: the file system is read-only (mount it writable, or choose another folder)',
    ],
    [
      'process without free descriptors',
      error('EMFILE', 'open', { path: '/x' }),
      '/x could not be opened: too many files are open (close some programs, or raise the limit (ulimit -n))',
    ],
    [
      'system without free watchers',
      error('EMFILE', 'watch', { path: '/x' }),
      '/x could not be watched: the system has no free file watcher',
    ],
    ['removed current folder', error('ENOENT', 'uv_cwd'), 'the current folder no longer exists: change to another folder'],
    [
      'missing program',
      error('ENOENT', 'spawn /bin/sh', { path: '/bin/sh' }),
      '/bin/sh could not be started: it does not exist (check the path)',
    ],
    ['long environment', error('E2BIG', 'spawn'), 'the command and its environment are too long: move values to files'],
    [
      'closed port',
      error('ECONNREFUSED', 'connect', { address: '127.0.0.1', port: 80 }),
      'the connection to 127.0.0.1:80 failed: nothing listens there',
    ],
  ] as const)
    it(`explains a ${name}`, () => assert.equal(messageOf(thrown), message));

  it('explains an error that Node throws', () => {
    assert.throws(
      () => fs.readFileSync('/nowhere/at/all'),
      (thrown) => messageOf(thrown) === '/nowhere/at/all could not be opened: it does not exist (check the path)',
    );
  });

  it('keeps other messages', () => {
    assert.equal(messageOf(new Error('a bug')), 'a bug');
    assert.equal(messageOf('text'), 'text');
    assert.equal(messageOf(Object.assign(new Error('strange'), { code: 'ESTRANGE', syscall: 'x' })), 'strange');
  });
});
