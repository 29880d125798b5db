import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { Transcript } from '../../../../src/editor/logs/transcript';
import { temporaryFolder } from '../../../support/temporary';
import { fails, passes, runOf } from '../runs';

describe('Transcript', () => {
  const folder = temporaryFolder();
  let written: string[];
  let transcript: Transcript;
  const log = (step: string, text: string) => fs.appendFileSync(path.join(folder.path, `${step}.log`), text);

  beforeEach(() => {
    written = [];
    transcript = new Transcript(
      (lines) => written.push(...lines),
      (step) => path.join(folder.path, `${step}.log`),
      () => '',
    );
  });

  it('streams the lines of the running step as they are written', async () => {
    transcript.update(runOf('1', 'Add a cart', { type: 'step-started', step: 'build', attempt: 1 }));
    log('build', '\u001b[32mcompiling\u001b[0m\nlink');
    await transcript.pump();
    assert.deepEqual(written, ['── shop: Add a cart (4f2a91c) ──', '▶ build', 'compiling']);
    log('build', 'ing\n');
    await transcript.pump();
    assert.deepEqual(written.slice(3), ['linking']);
  });

  it('writes a whole run in order, with the output of each step before its result', async () => {
    log('build', 'built\n');
    log('test', '1 failure, without an end of the line');
    transcript.update(runOf('2', 'Remove items', ...fails));
    await transcript.pump();
    assert.deepEqual(written, [
      '── shop: Remove items (4f2a91c) ──',
      '▶ build',
      'built',
      '✓ build: passed in 9 s',
      '▶ test',
      '1 failure, without an end of the line',
      '✗ test: failed in 5 min, exited with 1',
      '- stage: skipped',
      '✗ shop failed in 0.0 s',
      '',
    ]);
    assert.equal(transcript.done, true);
  });

  it('writes the address of each deployment', async () => {
    transcript.update(runOf('1', 'Add a cart', ...passes));
    await transcript.pump();
    assert.ok(written.includes('  staging: http://127.0.0.1:4100'));
    assert.ok(written.includes('✓ test: passed (flaky) in 41 s'));
  });

  it('prefixes the lines of parallel steps with the step name', async () => {
    transcript.update(
      runOf('1', 'x', { type: 'step-started', step: 'build', attempt: 1 }, { type: 'step-started', step: 'test', attempt: 1 }),
    );
    log('build', 'one\n');
    log('test', 'two\n');
    await transcript.pump();
    assert.ok(written.includes('build | one'));
    assert.ok(written.includes('test | two'));
  });

  it('omits the middle of a flood of output, and shows how much is omitted', async () => {
    const line = `${'x'.repeat(79)}\n`;
    log('build', line.repeat(100_000));
    log('build', 'the last line\n');
    transcript.update(runOf('1', 'x', { type: 'step-started', step: 'build', attempt: 1 }));
    await transcript.pump();
    assert.ok(written.length < 2000, `${written.length} lines`);
    assert.equal(written[2], `… 7.9 MB omitted. Full log: ${path.join(folder.path, 'build.log')}`);
    assert.equal(written[3], 'x'.repeat(79), 'the line is whole');
    assert.equal(written.at(-1), 'the last line');
  });

  it('writes nothing twice', async () => {
    const run = runOf('2', 'Remove items', ...fails);
    transcript.update(run);
    await transcript.pump();
    const once = written.length;
    transcript.update(run);
    await transcript.pump();
    assert.equal(written.length, once);
  });
});
