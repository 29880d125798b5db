import assert from 'node:assert/strict';
import * as path from 'node:path';
import { ServiceRepository } from './repository';
import { Session } from './session';

describe('a window in Restricted Mode', function () {
  this.timeout(120_000);
  let session: Session;

  before(async () => {
    session = await Session.start({ workspaceTrust: true });
  });
  after(async () => session.end());

  it('runs nothing and shows the reason', async () => {
    const repository = ServiceRepository.create(path.join(session.folder, 'hello'));
    session.set({ 'deliver.deliverOn': 'commit' });
    const window = await session.open(repository.folder);
    await window.statusBarSays(/Restricted Mode/);
    await window.showContainer('Deliver');
    await window.row('Pipeline', 'Service hello').waitFor();
    const text = await window.view('Pipeline').innerText();
    assert.match(text, /restricted mode/i);
    repository.git('commit', '--quiet', '--allow-empty', '--message', 'Not to be delivered');
    await window.screenshot('restricted');
    assert.equal(await window.view('Pipeline').locator('.pane-header .action-item a[aria-label^="Deliver"]').count(), 0);
    await window.page.keyboard.press('Control+K');
    await window.page.keyboard.press('Alt+D');
    assert.deepEqual(await window.notificationButtons(/Restricted Mode\. Trust it to run this command/), ['Manage Workspace Trust']);
    await window.page.keyboard.press('F1');
    await window.page.locator('.quick-input-widget input[type=text]').fill('>Deliver: Deliver');
    await window.page.locator('.quick-input-list .monaco-list-row').first().waitFor();
    const offered = await window.page.locator('.quick-input-list .monaco-list-row').allInnerTexts();
    assert.ok(!offered.some((entry) => /^Deliver: Deliver Working Tree$/m.test(entry)), offered.join('\n'));
    assert.equal(repository.hasBuilt(), false);
    assert.deepEqual(session.runs(), []);
  });

  it('opens the documentation', async () => {
    const repository = ServiceRepository.create(path.join(session.folder, 'documented'));
    const window = await session.open(repository.folder);
    await window.statusBarSays(/Restricted Mode/);
    await window.statusBarSays(/Deliver/);
    await window.runCommand('Deliver: Open Documentation');
    await window.pick('Environments');
    await window.previews('environments.md', /An environment is a place like production/);
    await window.screenshot('documentation');
  });
});
