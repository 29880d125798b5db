import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { findServices } from '../../../../src/core/pipeline/locate';
import { temporaryFolder } from '../../../support/temporary';

describe('the services of a repository', () => {
  const folder = temporaryFolder();

  function write(file: string, text = ''): void {
    const full = path.join(folder.path, file);
    fs.mkdirSync(path.dirname(full), { recursive: true });
    fs.writeFileSync(full, text);
  }

  beforeEach(() => void execFileSync('git', ['init', '-q'], { cwd: folder.path }));

  it('are the folders with a delivery.yaml, committed or new, not ignored, sorted', async () => {
    write('.gitignore', 'ignored/\n');
    for (const name of ['', 'b/', 'a/', 'a/deep/er/', 'ignored/', 'möve & "co"\n/']) write(`${name}delivery.yaml`);
    write('c/other-delivery.yaml');
    execFileSync('git', ['add', 'a/delivery.yaml'], { cwd: folder.path });
    assert.deepEqual(await findServices(folder.path), [
      { folder: '', file: 'delivery.yaml' },
      { folder: 'a', file: 'a/delivery.yaml' },
      { folder: 'a/deep/er', file: 'a/deep/er/delivery.yaml' },
      { folder: 'b', file: 'b/delivery.yaml' },
      { folder: 'möve & "co"\n', file: 'möve & "co"\n/delivery.yaml' },
    ]);
  });

  it('do not count where the file was deleted', async () => {
    write('a/delivery.yaml');
    execFileSync('git', ['add', '.'], { cwd: folder.path });
    fs.rmSync(path.join(folder.path, 'a'), { recursive: true });
    assert.deepEqual(await findServices(folder.path), []);
  });

  it('are none outside a repository', async () => {
    fs.rmSync(path.join(folder.path, '.git'), { recursive: true });
    write('delivery.yaml');
    assert.deepEqual(await findServices(folder.path), []);
  });
});
