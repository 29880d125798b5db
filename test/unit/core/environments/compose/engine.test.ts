import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';
import { eventually } from '../../../../support/temporary';
import { baseImage } from '../../../../support/docker';
import { containerEnvironment, get, serve } from './containers';

describe('an environment of containers', function () {
  this.timeout(60_000);
  const staging = containerEnvironment();

  it('brings a service up from its own files, at an address that stays', async () => {
    const first = await staging.deploy();
    assert.equal(first.why, undefined);
    assert.equal(await get(first.url), first.id);
    assert.match(first.url, /^http:\/\/127\.0\.0\.1:\d+$/);
    const second = await staging.deploy();
    assert.equal(second.url, first.url);
    assert.equal(await get(second.url), second.id);
    const status = staging.status();
    assert.deepEqual([status?.state, status?.release?.id, status?.previous?.id], ['healthy', second.id, first.id]);
    assert.equal(fs.readFileSync(path.join(second.folder, 'compose.yaml'), 'utf8'), 'services:\n  shop:\n    build: .\n');
  });

  it('rolls back without building', async () => {
    const first = await staging.deploy();
    const second = await staging.deploy();
    const log: string[] = [];
    const back = await staging.environment().rollBack('shop', {}, (line) => log.push(line));
    assert.ok(back.ok, JSON.stringify(back));
    assert.deepEqual([back.value.from.id, back.value.to?.id], [second.id, first.id]);
    assert.equal(await get(first.url), first.id);
    assert.doesNotMatch(log.join('\n'), /build/i);
  });
});
