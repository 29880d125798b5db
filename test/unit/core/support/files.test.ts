import * as assert from 'node:assert/strict';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import * as path from 'node:path';
import { Journal, readEvents } from '../../../../src/core/history/journal';
import { messageOf } from '../../../../src/core/model/result';
import { writeAtomically, writeTextAtomically } from '../../../../src/core/support/files';
import { temporaryFolder } from '../../../support/temporary';

describe('writing files on a disk that fills up', () => {
  const folder = temporaryFolder();
  const { writeSync, fsyncSync, closeSync } = fs;
  const record = (): string => path.join(folder.path, 'state.json');
  const full = (syscall: string): Error =>
    Object.assign(new Error(`ENOSPC: no space left on device, ${syscall}`), { code: 'ENOSPC', syscall });
  /** Writes at most `space` bytes, and a part of the bytes that do not fit, as a real disk does. */
  const limit = (space: number): void => {
    let left = space;
    const write = (descriptor: number, bytes: Buffer, at = 0): number => {
      const count = Math.min(left, bytes.length - at);
      if (count === 0) throw full('write');
      left -= count;
      return writeSync(descriptor, bytes, at, count);
    };
    fs.writeSync = write as typeof fs.writeSync;
    syncBuiltinESMExports();
  };
  afterEach(() => {
    Object.assign(fs, { writeSync, fsyncSync, closeSync });
    syncBuiltinESMExports();
  });

  it('keeps the old record, leaves no draft and names the file', () => {
    writeAtomically(record(), { services: ['web', 'api'] });
    const before = fs.readFileSync(record(), 'utf8');
    limit(10);
    assert.throws(
      () => writeAtomically(record(), { services: ['web', 'api', 'worker'] }),
      (error) => messageOf(error) === `${record()} could not be written: the disk is full (free some space)`,
    );
    assert.equal(fs.readFileSync(record(), 'utf8'), before);
    assert.deepEqual(fs.readdirSync(folder.path), ['state.json']);
  });

  for (const call of ['fsyncSync', 'closeSync'] as const)
    it(`keeps the old record if ${call} reports the error`, () => {
      writeTextAtomically(record(), 'old');
      const original = fs[call];
      fs[call] = (descriptor: number): void => {
        original(descriptor);
        throw full(call.replace('Sync', ''));
      };
      syncBuiltinESMExports();
      assert.throws(() => writeTextAtomically(record(), 'new'), /ENOSPC/);
      assert.equal(fs.readFileSync(record(), 'utf8'), 'old');
    });

  it('writes everything if the system takes a part at a time', () => {
    const chunk = (descriptor: number, bytes: Buffer, at = 0): number => writeSync(descriptor, bytes, at, Math.min(3, bytes.length - at));
    fs.writeSync = chunk as typeof fs.writeSync;
    syncBuiltinESMExports();
    writeTextAtomically(record(), 'a longer text');
    assert.equal(fs.readFileSync(record(), 'utf8'), 'a longer text');
  });

  it('throws for an event that does not fit, and appends the next one to a new line', () => {
    const journal = new Journal(folder.path, 'r1');
    limit(30);
    assert.throws(() => journal.append({ type: 'notice', message: 'lost' }), /ENOSPC/);
    Object.assign(fs, { writeSync });
    syncBuiltinESMExports();
    journal.append({ type: 'notice', message: 'kept' });
    journal.close();
    const [event, ...more] = readEvents(path.join(folder.path, 'journal.jsonl'));
    assert.deepEqual([event?.type === 'notice' && event.message, more], ['kept', []]);
  });

  it('throws once the folder of a run is removed', function () {
    if (process.platform === 'win32') this.skip(); // an open file cannot be removed
    const journal = new Journal(path.join(folder.path, 'run'), 'r1');
    fs.rmSync(path.join(folder.path, 'run'), { recursive: true });
    assert.throws(() => journal.append({ type: 'notice', message: 'lost' }), /the folder of the run was removed: /);
    journal.close();
  });
});
