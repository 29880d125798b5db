import * as assert from 'node:assert/strict';
import type { Window } from '../host/window';
import { eventually } from './eventually';
import { Session } from './session';
import { deliver, Shop } from './shop';

describe('the sample', function () {
  this.timeout(120_000);
  let session: Session;
  let window: Window;

  beforeEach(async () => {
    session = await Session.start();
    window = await session.openDeliveries((await Shop.unpack(session)).folder);
  });
  afterEach(async function () {
    await session.end(this.currentTest);
  });

  async function bringLive(service: string): Promise<void> {
    await deliver(window, service, 'passed');
    await window.row('Environments', `${service} in staging, healthy`).waitFor();
  }

  it('brings two services live that find each other', async () => {
    await bringLive('inventory');
    await bringLive('shop');
    const shop = session.liveServices().find(({ service }) => service === 'shop');
    assert.match(await (await fetch(shop!.url)).text(), /only 3 left/);
    await window.clickRowButton('Environments', 'shop in staging, healthy', 'Open Log');
    await eventually(async () => assert.match((await window.editorLines()).join('\n'), /the shop is open on port/));
    await window.openFile('shop/src/prices.js');
    await window.runCommand('Deliver: Show Output');
    await eventually(async () => assert.match((await window.outputLines()).join('\n'), /passed/));
    await session.screenshots(window, 'sample');
  });
});
