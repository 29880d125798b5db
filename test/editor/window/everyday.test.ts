import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { eventually } from './eventually';
import { ServiceRepository } from './repository';
import { Session } from './session';

describe('a window in everyday use', function () {
  this.timeout(180_000);
  let session: Session;
  before(async () => {
    session = await Session.start();
  });
  after(async () => session.end());

  it('delivers the text at the click while more is typed', async () => {
    const repository = ServiceRepository.create(path.join(session.folder, 'hello'));
    const window = await session.openDeliveries(repository.folder);
    await window.row('Pipeline', 'Service hello').waitFor();
    await window.openFile('server.js');
    await window.page.keyboard.press('Control+End');
    for (const [turn, letter] of ['a', 'b', 'c'].entries()) {
      await window.page.keyboard.type(`// before ${letter}\n`);
      await window.page.keyboard.press('Control+K');
      await window.page.keyboard.press('Alt+D');
      await window.page.keyboard.type(`// typed on ${letter} `.repeat(5));
      await eventually(async () => Promise.resolve(assert.equal(session.runs().length, turn + 1)));
    }
    assert.equal(await window.page.locator('.monaco-dialog-box').count(), 0);
    const text = fs.readFileSync(path.join(repository.folder, 'server.js'), 'utf8');
    assert.match(text, /before c/);
    const lines = (await window.editorLines()).join('\n');
    for (const letter of ['a', 'b', 'c']) assert.ok(lines.includes(`// typed on ${letter} `.repeat(5)), letter);
  });

  it('shows the errors of a closed delivery.yaml, and opens the first', async () => {
    const repository = ServiceRepository.create(path.join(session.folder, 'invalid'));
    fs.writeFileSync(path.join(repository.folder, 'delivery.yaml'), 'service: invalid\nsteps:\n  build: {rum: make}\n');
    const window = await session.openDeliveries(repository.folder);
    await window.row('Pipeline', 'error, delivery.yaml:3').waitFor();
    await window.statusBarSays(/delivery\.yaml is invalid/);
    await window.screenshot('invalid-definition');
    await window.row('Pipeline', 'error, delivery.yaml:3').click();
    await window.page.locator('.tab.active', { hasText: 'delivery.yaml' }).waitFor();
    fs.writeFileSync(path.join(repository.folder, 'delivery.yaml'), 'service: invalid\nsteps:\n  build: {run: make}\n');
    await window.row('Pipeline', 'error, delivery.yaml:3').waitFor({ state: 'detached' });
  });

  it('notices a new repository', async () => {
    const folder = path.join(session.folder, 'fresh');
    fs.mkdirSync(folder);
    fs.writeFileSync(path.join(folder, 'delivery.yaml'), 'service: fresh\nsteps:\n  build: {run: make}\n');
    const window = await session.openDeliveries(folder);
    await window.page.getByText('This folder is not in a Git repository.').waitFor();
    execFileSync('git', ['init', '--quiet'], { cwd: folder });
    await window.row('Pipeline', 'Service fresh, not delivered yet').waitFor();
  });
});
