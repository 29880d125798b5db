import * as assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { findDesktop } from '../host/desktop';
import { project } from '../host/places';
import { eventually } from './eventually';

describe('npm start', function () {
  this.timeout(120_000);

  it('shows the sample in a browser and removes it at the end', async function () {
    if ('executable' in (await findDesktop())) this.skip(); // it would open the desktop program
    const args = [path.join(project, 'node_modules/tsx/dist/cli.mjs'), path.join(project, 'test/editor/start.ts')];
    const start = spawn(process.execPath, args, { cwd: project, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    start.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const ended = once(start, 'close');
    try {
      await eventually(async () => Promise.resolve(assert.match(output, /open in a browser: \S+\n/)));
      const address = /open in a browser: (\S+)/.exec(output)?.[1] ?? '';
      // Only the redirect is tested: the window needs a browser with cookies.
      assert.match((await fetch(address, { redirect: 'manual' })).headers.get('location') ?? '', /folder=/);
    } finally {
      start.kill('SIGINT');
      await ended;
    }
    const sample = /the sample: (.*) \(a copy/.exec(output)?.[1] ?? '';
    assert.ok(sample !== '' && !fs.existsSync(sample));
  });
});
