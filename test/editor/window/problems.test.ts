import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { unpackSample } from '../../../src/core/sample';
import { project } from '../host/places';
import type { Window } from '../host/window';
import { eventually } from './eventually';
import { Session } from './session';

describe('a failure in the window', function () {
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

  const prices = (): string => path.join(folder, 'shop', 'src', 'prices.js');
  const change = (from: string, to: string): void => fs.writeFileSync(prices(), fs.readFileSync(prices(), 'utf8').replace(from, to));
  const commit = (subject: string): void => {
    const identity = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', '-c', 'commit.gpgsign=false'];
    execFileSync('git', [...identity, 'commit', '--quiet', '--all', '--message', subject], { cwd: folder });
  };

  async function deliver(outcome: string): Promise<void> {
    await window.row('Pipeline', 'Service shop').click();
    await window.clickRowButton('Pipeline', 'Service shop', 'Deliver');
    await window.row('Pipeline', `Service shop, ${outcome}`).waitFor();
  }

  it('leads to its line, stays with it through edits, names its suspects, and is gone with its cause', async () => {
    await deliver('passed');
    change('const bulkDiscount = 0.1;', 'const bulkDiscount = 0.2;');
    commit('Be generous');
    await deliver('failed');

    const row = window.row('Pipeline', 'error, three of one product are ten percent cheaper');
    await row.waitFor();
    await window.screenshot('problem-rows');
    const told = /test failed: three of one product are ten percent cheaper/;
    assert.deepEqual(await window.notificationButtons(told), ['Go to the Failure', 'Open Log', 'Run Again']);
    await window.screenshot('problem-told');
    await window.pressInNotification(told, 'Go to the Failure');
    await window.cursorIsAt('prices.test.js', 14);
    await window.focusEditor();
    await window.page.keyboard.press('Control+Home');
    await window.cursorIsAt('prices.test.js', 1);
    await row.click();
    await window.cursorIsAt('prices.test.js', 14);
    await window.problemsAre(/Expected values to be strictly equal/);

    // Not saved: the line that failed is where it is now.
    await row.click();
    await window.focusEditor();
    await window.page.keyboard.press('Control+Home');
    await window.page.keyboard.type('\n\n');
    await window.page.keyboard.press('Control+Home');
    await window.problemIsOnLine(16);
    await row.click();
    await window.cursorIsAt('prices.test.js', 16);
    // So is the link in the log, which tells of the line as it was delivered.
    await window.runCommand('Deliver: Open Log');
    await window.clickLink('prices.test.js:13:1');
    await window.cursorIsAt('prices.test.js', 15);
    await row.click();
    await window.cursorIsAt('prices.test.js', 16);
    for (const theme of ['dark', 'light'] as const) {
      await session.setTheme(window, theme);
      await window.screenshot(`problem-${theme}`);
    }
    await window.focusEditor();
    await window.page.keyboard.press('Control+Home');
    await window.runCommand('Deliver: Go to Next Failure');
    await window.cursorIsAt('prices.test.js', 16);

    await window.clickRowButton('Pipeline', 'error, three of one product', 'Show Suspects');
    await window.picks(/Be generous/);
    await window.screenshot('suspects');
    await window.page.keyboard.press('Escape');
    await window.runCommand('File: Revert File');

    change('const bulkDiscount = 0.2;', 'const bulkDiscount = 0.1;');
    await deliver('passed');
    await eventually(async () => assert.equal(await window.problemCount(), 0));
    assert.ok(!(await window.treeNames('Pipeline')).some((name) => name.startsWith('error')));
  });

  it('is taken back by reverting the change that is suspected', async () => {
    await deliver('passed');
    change('const bulkDiscount = 0.1;', 'const bulkDiscount = 0.2;');
    commit('Be generous');
    await deliver('failed');
    const git = (...args: string[]): string => execFileSync('git', args, { cwd: folder, encoding: 'utf8' });
    git('config', 'user.name', 'Ada');
    git('config', 'user.email', 'ada@example.com');

    await window.clickRowButton('Pipeline', 'error, three of one product', 'Show Suspects');
    await window.picks(/Be generous/);
    await window.clickPickButton('Be generous', 'Revert This Change');
    await window.page.locator('.monaco-dialog-box').waitFor();
    await window.screenshot('revert');
    assert.match(await window.answerDialog('Revert'), /Revert “Be generous”\?[^]*A new commit undoes this one[^]*prices\.js/);
    const told = /“Be generous” is reverted. Nothing is delivered yet/;
    assert.deepEqual(await window.notificationButtons(told), ['Deliver']);
    assert.match(git('log', '-1', '--format=%s'), /^Revert "Be generous"/);
    assert.equal(git('status', '--porcelain'), '');
    await window.pressInNotification(told, 'Deliver');
    await window.row('Pipeline', 'Service shop, passed').waitFor();
    await eventually(async () => assert.equal(await window.problemCount(), 0));
  });
});
