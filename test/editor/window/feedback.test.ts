import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { unpackSample } from '../../../src/core/sample';
import { project } from '../host/places';
import type { Window } from '../host/window';
import { Session } from './session';

describe('feedback in the window', function () {
  this.timeout(180_000);
  let session: Session;
  let window: Window;
  let folder: string;

  beforeEach(async () => {
    session = await Session.start();
    const unpacked = await unpackSample(path.join(session.folder, 'shop'), path.join(project, 'media'));
    assert.ok(unpacked.ok);
    folder = unpacked.value.folder;
    git('config', 'user.name', 'Ada');
    git('config', 'user.email', 'ada@example.com');
    window = await session.open(folder);
    await window.showContainer('Deliver');
  });
  afterEach(async function () {
    if (this.currentTest?.isFailed()) await window.screenshot(`failed-${this.currentTest.title.replace(/\W+/g, '-')}`);
    await session.end();
  });

  const git = (...args: string[]): string => execFileSync('git', ['-c', 'commit.gpgsign=false', ...args], { cwd: folder, encoding: 'utf8' });
  const page = (): string => path.join(folder, 'shop', 'src', 'page.js');
  const change = (from: string, to: string, subject: string): void => {
    const before = fs.readFileSync(page(), 'utf8');
    assert.ok(before.includes(from), from);
    fs.writeFileSync(page(), before.replace(from, to));
    git('commit', '--quiet', '--all', '--message', subject);
  };

  async function deliver(subject: string): Promise<void> {
    await window.row('Pipeline', 'Service shop').click();
    await window.clickRowButton('Pipeline', 'Service shop', 'Deliver');
    await window.row('Pipeline', `Service shop, passed · just now · ${subject}`).waitFor();
  }

  it('comes from a customer to the line that was changed, and goes with its fix', async () => {
    await deliver('Things to try');
    change('Tea, and what it takes to make it.', 'Tea. And pots.', 'Say it shorter');
    await window.row('Changes', 'Change Say it shorter, waiting, by you').waitFor();
    await deliver('Say it shorter');
    await window.row('Changes', 'Change Say it shorter, staging').waitFor();

    const commit = git('rev-parse', 'HEAD').trim();
    const file = path.join(session.home, 'environments', 'staging', '.feedback', 'shop.jsonl');
    const said = { kind: 'comment', createdAt: new Date().toISOString(), commit, author: 'Grace' };
    fs.appendFileSync(file, `${JSON.stringify({ id: 'f-1', title: 'Pots of what?', body: 'src/page.js:26 is odd.', ...said })}\n`);
    await window.row('Changes', 'Unread, Comment, Pots of what?').waitFor();
    await window.openFile('shop/src/page.js');
    await window.screenshot('changes-dark');
    await window.row('Changes', 'Unread, Comment, Pots of what?').click();
    await window.cursorIsAt('page.js', 26);
    await window.screenshot('feedback-thread-dark');
    await session.setTheme(window, 'light');
    await window.screenshot('feedback-thread-light');
  });
});
