import * as assert from 'node:assert/strict';
import * as path from 'node:path';
import { unpackSample } from '../../../src/core/sample';
import { project } from '../host/places';
import type { Window } from '../host/window';
import { eventually } from './eventually';
import { Session } from './session';

describe('the sample in a window', function () {
  this.timeout(120_000);
  let session: Session;
  let window: Window;

  beforeEach(async () => {
    session = await Session.start();
    const unpacked = await unpackSample(path.join(session.folder, 'shop'), path.join(project, 'media'));
    assert.ok(unpacked.ok);
    window = await session.open(unpacked.value.folder);
    await window.showContainer('Deliver');
  });
  afterEach(async function () {
    if (this.currentTest?.isFailed()) await window.screenshot(`failed-${this.currentTest.title.replace(/\W+/g, '-')}`);
    await session.end();
  });

  async function deliver(service: string): Promise<void> {
    await window.row('Pipeline', `Service ${service}`).click();
    await window.clickRowButton('Pipeline', `Service ${service}`, 'Deliver');
    await window.row('Environments', `${service} in staging, healthy`).waitFor();
    await window.row('Pipeline', `Service ${service}, passed`).waitFor();
  }

  it('goes live as two services that find each other', async () => {
    await deliver('inventory');
    await deliver('shop');
    const shop = session.liveServices().find(({ service }) => service === 'shop');
    assert.match(await (await fetch(shop!.url)).text(), /only 3 left/);
    await window.clickRowButton('Environments', 'shop in staging, healthy', 'Open Log');
    await eventually(async () => assert.match((await window.editorLines()).join('\n'), /the shop is open on port/));
    await window.openFile('shop/src/prices.js');
    await window.runCommand('Deliver: Show Output');
    await eventually(async () => assert.match((await window.outputLines()).join('\n'), /passed/));
    for (const theme of ['dark', 'light'] as const) {
      await session.setTheme(window, theme);
      await window.screenshot(`sample-${theme}`);
    }
  });
});
