import * as assert from 'node:assert/strict';
import type { Window } from '../host/window';
import { eventually } from './eventually';
import { Session } from './session';
import { deliver, Shop } from './shop';

describe('a release', function () {
  this.timeout(180_000);
  let session: Session;
  let window: Window;
  let shop: Shop;

  beforeEach(async () => {
    session = await Session.start();
    shop = await Shop.unpack(session);
    window = await session.openDeliveries(shop.folder);
  });
  afterEach(async function () {
    await session.end(this.currentTest);
  });

  async function release(answer: string): Promise<string> {
    await window.chooseFromMenu('Environments', 'shop in staging', 'Release…');
    await window.page.locator('.monaco-dialog-box').waitFor();
    await window.screenshot('release-question');
    return window.answerDialog(answer);
  }

  it('deploys the release of staging to production, after a rollback in staging', async () => {
    await deliver(window, 'inventory', 'passed');
    await deliver(window, 'shop', 'passed · just now · List things to try');
    shop.change(shop.file('src', 'server.js'), "pathname === '/total'", "pathname === '/sum'");
    shop.commit('Sum up');
    await deliver(window, 'shop', 'failed · just now · Sum up');
    await window.row('Environments', 'shop in staging, healthy, List things to try').waitFor();
    await window.screenshot('release-rolled-back');

    assert.match(
      await release('Cancel'),
      /Release shop to production\?[^]*without a new build[^]*Nothing is in production yet[^]*Add the production environment/,
    );
    await release('Release');
    await window.row('Environments', 'shop in production, healthy, List things to try').waitFor();
    await window.row('Pipeline', 'Service shop, released to production · just now · List things to try').waitFor();
    // The failed change is still not releasable.
    await window.statusBarSays(/shop not releasable: acceptance failed/);
    const production = session.liveServices().filter(({ service }) => service === 'shop');
    assert.equal(production.length, 2);
    for (const { url } of production) await eventually(async () => assert.match(await (await fetch(url)).text(), /Leaf &amp; Kettle/));
    await session.screenshots(window, 'released');
  });
});
