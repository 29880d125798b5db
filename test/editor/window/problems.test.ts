import * as assert from 'node:assert/strict';
import type { Window } from '../host/window';
import { eventually } from './eventually';
import { Session } from './session';
import { deliver, Shop } from './shop';

describe('a failure', function () {
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

  const change = (from: string, to: string): void => shop.change(shop.file('src', 'prices.js'), from, to);

  it('opens its line, follows it through edits, lists suspect changes, and disappears with its cause', async () => {
    await deliver(window, 'shop', 'passed');
    change('const bulkDiscount = 0.1;', 'const bulkDiscount = 0.2;');
    shop.commit('Be generous');
    await deliver(window, 'shop', 'failed');

    const row = window.row('Pipeline', 'error, three of one product are ten percent cheaper');
    await row.waitFor();
    await window.screenshot('problem-rows');
    const failed = /test failed: three of one product are ten percent cheaper/;
    assert.deepEqual(await window.notificationButtons(failed), ['Go to Failure', 'Open Log', 'Run Again']);
    await window.screenshot('problem-notification');
    await window.pressInNotification(failed, 'Go to Failure');
    await window.cursorIsAt('prices.test.js', 14);
    await window.focusEditor();
    await window.page.keyboard.press('Control+Home');
    await window.cursorIsAt('prices.test.js', 1);
    await row.click();
    await window.cursorIsAt('prices.test.js', 14);
    await window.problemsAre(/Expected values to be strictly equal/);

    // An unsaved edit moves the line.
    await row.click();
    await window.focusEditor();
    await window.page.keyboard.press('Control+Home');
    await window.page.keyboard.type('\n\n');
    await window.page.keyboard.press('Control+Home');
    await window.problemIsOnLine(16);
    await row.click();
    await window.cursorIsAt('prices.test.js', 16);
    // The link in the log contains the delivered line and opens the current one.
    await window.runCommand('Deliver: Open Log');
    await window.clickLink('prices.test.js:13:1');
    await window.cursorIsAt('prices.test.js', 15);
    await row.click();
    await window.cursorIsAt('prices.test.js', 16);
    await session.screenshots(window, 'problem');
    await window.focusEditor();
    await window.page.keyboard.press('Control+Home');
    await window.runCommand('Deliver: Go to Next Failure');
    await window.cursorIsAt('prices.test.js', 16);

    await window.clickRowButton('Pipeline', 'error, three of one product', 'Show Suspect Changes');
    await window.picks(/Be generous/);
    await window.screenshot('suspects');
    await window.page.keyboard.press('Escape');
    await window.runCommand('File: Revert File');

    change('const bulkDiscount = 0.2;', 'const bulkDiscount = 0.1;');
    await deliver(window, 'shop', 'passed');
    await eventually(async () => assert.equal(await window.problemCount(), 0));
    assert.ok(!(await window.treeNames('Pipeline')).some((name) => name.startsWith('error')));
  });

  it('disappears after its suspect change is reverted', async () => {
    await deliver(window, 'shop', 'passed');
    change('const bulkDiscount = 0.1;', 'const bulkDiscount = 0.2;');
    shop.commit('Be generous');
    await deliver(window, 'shop', 'failed');

    await window.clickRowButton('Pipeline', 'error, three of one product', 'Show Suspect Changes');
    await window.picks(/Be generous/);
    await window.clickPickButton('Be generous', 'Revert Change');
    await window.page.locator('.monaco-dialog-box').waitFor();
    await window.screenshot('revert');
    assert.match(await window.answerDialog('Revert'), /Revert “Be generous”\?[^]*A new commit undoes this one[^]*prices\.js/);
    const reverted = /Reverted “Be generous”. The revert is not delivered yet/;
    assert.deepEqual(await window.notificationButtons(reverted), ['Deliver']);
    assert.match(shop.git('log', '-1', '--format=%s'), /^Revert "Be generous"/);
    assert.equal(shop.git('status', '--porcelain'), '');
    await window.pressInNotification(reverted, 'Deliver');
    await window.row('Pipeline', 'Service shop, passed').waitFor();
    await eventually(async () => assert.equal(await window.problemCount(), 0));
  });
});
