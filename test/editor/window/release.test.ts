import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { unpackSample } from '../../../src/core/sample';
import { project } from '../host/places';
import type { Window } from '../host/window';
import { eventually } from './eventually';
import { Session } from './session';

describe('a release to customers in the window', function () {
  this.timeout(180_000);
  let session: Session;
  let window: Window;
  let folder: string;

  beforeEach(async () => {
    session = await Session.start();
    const unpacked = await unpackSample(path.join(session.folder, 'shop'), path.join(project, 'media'));
    assert.ok(unpacked.ok);
    folder = unpacked.value.folder;
    window = await session.open(folder);
    await window.showContainer('Deliver');
  });
  afterEach(async function () {
    if (this.currentTest?.isFailed()) await window.screenshot(`failed-${this.currentTest.title.replace(/\W+/g, '-')}`);
    await session.end();
  });

  function commit(from: string, to: string, subject: string): void {
    const server = path.join(folder, 'shop', 'src', 'server.js');
    fs.writeFileSync(server, fs.readFileSync(server, 'utf8').replace(from, to));
    const identity = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', '-c', 'commit.gpgsign=false'];
    execFileSync('git', [...identity, 'commit', '--quiet', '--all', '--message', subject], { cwd: folder });
  }

  async function deliver(service: string, end: string): Promise<void> {
    await window.row('Pipeline', `Service ${service}`).click();
    await window.clickRowButton('Pipeline', `Service ${service}`, 'Deliver');
    await window.row('Pipeline', `Service ${service}, ${end}`).waitFor();
  }

  async function release(answer: string): Promise<string> {
    await window.chooseFromMenu('Environments', 'shop in staging', 'Release…');
    await window.page.locator('.monaco-dialog-box').waitFor();
    await window.screenshot('release-question');
    return window.answerDialog(answer);
  }

  it('is exactly what staging has, after a bad one was taken back there', async () => {
    await deliver('inventory', 'passed');
    await deliver('shop', 'passed · just now · Things to try');
    commit("pathname === '/total'", "pathname === '/sum'", 'Sum up');
    await deliver('shop', 'failed · just now · Sum up');
    await window.row('Environments', 'shop in staging, healthy, Things to try').waitFor();
    await window.screenshot('release-rolled-back');

    assert.match(
      await release('Cancel'),
      /Release shop to production\?[^]*nothing is built again[^]*Customers have nothing yet[^]*Production: where customers are/,
    );
    await release('Release');
    await window.row('Environments', 'shop in production, healthy, Things to try').waitFor();
    await window.row('Pipeline', 'Service shop, released to production · just now · Things to try').waitFor();
    // What failed is not mended by that.
    await window.statusBarSays(/shop not releasable: acceptance failed/);
    const production = session.liveServices().filter(({ service }) => service === 'shop');
    assert.equal(production.length, 2);
    for (const { url } of production) await eventually(async () => assert.match(await (await fetch(url)).text(), /Leaf &amp; Kettle/));
    for (const theme of ['dark', 'light'] as const) {
      await session.setTheme(window, theme);
      await window.screenshot(`released-${theme}`);
    }
  });
});
