import * as assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { lockHolder, tryLock } from '../../../../src/core/process/lock';
import { identityOf, isAlive, currentIdentity } from '../../../../src/core/process/process-identity';
import { eventually, temporaryFolder } from '../../../support/temporary';

describe('a lock', () => {
  const folder = temporaryFolder();
  const file = (): string => path.join(folder.path, 'locks', 'shop.lock');
  const dead = { pid: process.pid, startedAt: 'another time' };

  it('has one holder', () => {
    const first = tryLock(file(), { ...currentIdentity(), run: 'a' });
    assert.ok(first.ok);
    const second = tryLock(file(), { ...currentIdentity(), run: 'b' });
    assert.ok(!second.ok && second.holder.run === 'a');
    first.release();
    assert.ok(tryLock(file(), { ...currentIdentity(), run: 'b' }).ok);
  });

  it('is free when its process has ended, even if the pid was reused', () => {
    assert.ok(tryLock(file(), dead).ok);
    assert.equal(lockHolder(file()), undefined);
    const taken = tryLock(file(), currentIdentity());
    assert.ok(taken.ok);
    assert.equal(lockHolder(file())?.pid, process.pid);
  });

  it('is free after a process died while it removed an older lock', () => {
    assert.ok(tryLock(file(), dead).ok);
    fs.writeFileSync(`${file()}.removal`, JSON.stringify(dead));
    assert.ok(tryLock(file(), currentIdentity()).ok);
  });

  it('is free if a full disk left it incomplete', () => {
    fs.mkdirSync(path.dirname(file()), { recursive: true });
    fs.writeFileSync(file(), '{"pid":');
    assert.ok(tryLock(file(), currentIdentity()).ok);
  });

  it('is not released by a former holder', () => {
    const first = tryLock(file(), { ...currentIdentity(), run: 'a' });
    assert.ok(first.ok);
    fs.writeFileSync(file(), JSON.stringify({ ...currentIdentity(), run: 'b' }));
    first.release();
    assert.equal(lockHolder(file())?.run, 'b');
  });

  it('writes nothing to its folder when another process holds it', async () => {
    assert.ok(tryLock(file(), { ...currentIdentity(), run: 'a' }).ok);
    const changed = new Set<string | null>();
    const watcher = fs.watch(path.dirname(file()), (_, name) => changed.add(name));
    assert.ok(!tryLock(file(), { ...currentIdentity(), run: 'b' }).ok);
    fs.writeFileSync(path.join(path.dirname(file()), 'later'), '');
    await eventually('the later file is reported', () => changed.has('later'));
    watcher.close();
    assert.deepEqual([...changed], ['later']);
  });

  it('leaves no other files', () => {
    const held = tryLock(file(), dead);
    assert.ok(held.ok);
    const taken = tryLock(file(), currentIdentity());
    assert.ok(taken.ok);
    taken.release();
    assert.deepEqual(fs.readdirSync(path.dirname(file())), []);
  });
});

describe('the identity of a process', () => {
  it('is invalid when the process ends, even as a zombie', async () => {
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
    const identity = identityOf(child.pid ?? 0);
    assert.ok(identity && isAlive(identity));
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    assert.equal(isAlive(identity), false);
  });

  it('differs for a later process with the same pid', () => {
    assert.equal(isAlive({ ...currentIdentity(), startedAt: 'long ago' }), false);
  });
});
