import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { TestServer } from '../../support/http-server';
import type { Window } from '../host/window';
import { eventually } from './eventually';
import { Session } from './session';
import { deliver, Shop } from './shop';

describe('feedback', function () {
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

  const change = (from: string, to: string, subject: string): void => {
    shop.change(shop.file('src', 'page.js'), from, to);
    shop.commit(subject);
  };
  const delivers = async (subject: string): Promise<void> => deliver(window, 'shop', `passed · just now · ${subject}`);
  const feedback = (): string => fs.readFileSync(path.join(session.home, 'environments', 'staging', '.feedback', 'shop.jsonl'), 'utf8');
  const firstId = (): string => (JSON.parse(feedback().split('\n')[0] ?? '') as { id: string }).id;

  /** Sends a comment with the form of the live shop. */
  async function sayOnTheForm(text: string): Promise<void> {
    const live = session.liveServices().find(({ service }) => service === 'shop');
    const customer = await session.visit(live?.url ?? '');
    await customer.getByLabel('What can we do better?').fill(text);
    await customer.getByRole('button', { name: 'Tell us' }).click();
    await customer.getByText('Thank you').waitFor();
    await customer.close();
  }

  it('appears on the changed line and disappears after its fix', async () => {
    await delivers('List things to try');
    change('Tea, and what it takes to make it.', 'Tea. And pots.', 'Say it shorter');
    await window.row('Changes', 'Change Say it shorter, waiting, by you').waitFor();
    await delivers('Say it shorter');
    await window.row('Changes', 'Change Say it shorter, staging').waitFor();

    await sayOnTheForm('Pots of what?');
    const row = window.row('Changes', 'Unread, Comment, Pots of what?');
    await row.waitFor();
    await window.openFile('shop/src/page.js');
    await window.page.locator('.monaco-editor .margin .cgmr').first().waitFor();
    await window.screenshot('changes-dark');
    await row.click();
    await window.cursorIsAt('page.js', 27);
    const thread = window.page.locator('.monaco-editor .review-widget', { hasText: 'Pots of what?' });
    await thread.filter({ hasText: 'on ' }).waitFor();
    await session.screenshots(window, 'feedback');
    session.set({ 'deliver.feedback.codeLens': true });
    await window.page.locator('.monaco-editor .codelens-decoration', { hasText: 'Pots of what?' }).waitFor();
    session.set({ 'deliver.feedback.codeLens': false });
    await window.narrow();
    await window.screenshot('feedback-narrow');
    await window.page.setViewportSize({ width: 1280, height: 800 });

    await window.clickRowButton('Changes', 'Comment, Pots of what?', 'Fix This');
    await window.page.locator('.quick-input-title', { hasText: 'Fix This' }).waitFor();
    await window.picks(/Stay on this branch/);
    await window.screenshot('feedback-fix');
    await window.page.keyboard.press('Enter');
    await eventually(async () => assert.match(shop.git('rev-parse', '--abbrev-ref', 'HEAD'), /^fix\/said-\w+-pots-of-what/));
    change('Tea. And pots.', 'Tea. And iron pots.', `Say what the pots are of\n\nFeedback: ${firstId()}`);
    await window.row('Changes', 'Comment, Pots of what?, fix is not delivered yet').waitFor();
    await delivers('Say what the pots are of');
    await window.row('Changes', 'Comment, Pots of what?, fix delivered to staging').waitFor();
    await window.screenshot('feedback-fixed');

    await window.clickRowButton('Changes', 'Comment, Pots of what?', 'Resolve');
    await eventually(async () => assert.ok(!(await window.treeNames('Changes')).some((name) => name.includes('Pots of what?'))));
    assert.match(feedback(), /"closedAt"/);
  });

  describe('from an issue tracker', () => {
    const tracker = new TestServer();
    const issue = {
      id: 7001,
      number: 7,
      title: 'No tea for <b>me</b>',
      body: 'It says so in shop/src/page.js:27, [click](command:workbench.action.quit)',
      state: 'open',
      html_url: 'https://github.example.com/acme/shop/issues/7',
      user: { login: 'grace' },
      labels: [{ name: 'customer' }],
      assignees: [],
      reactions: { '+1': 4 },
      comments: 0,
    };
    let state: 'open' | 'closed';
    let replies: unknown[];
    /** Undefined until the issue exists. It must be newer than the delivery that it is about. */
    let createdAt: string | undefined;

    beforeEach(async () => {
      [state, replies, createdAt] = ['open', [], undefined];
      tracker.answers(({ method, path: at, body }) => {
        if (method === 'POST' && at.endsWith('/issues/7/comments')) {
          replies.push((body as { body: string }).body);
          return { status: 201, body: { id: 1, html_url: `${issue.html_url}#1`, body: (body as { body: string }).body } };
        }
        if (method === 'PATCH') state = 'closed';
        const current = { ...issue, state, created_at: createdAt, updated_at: createdAt, closed_at: state === 'closed' ? createdAt : null };
        return { body: method === 'PATCH' ? current : createdAt === undefined ? [] : [current] };
      });
      const source = `  sources:\n    - github: {repository: acme/shop, labels: [customer], url: '${tracker.url}'}\n`;
      shop.change(shop.file('delivery.yaml'), 'feedback:\n', `feedback:\n${source}`);
      change('Tea, and what it takes to make it.', 'Tea. And pots.', 'Ask the tracker');
    });

    it('shows an issue, sends a reply, and keeps the issue while the tracker is not reachable', async () => {
      await delivers('Ask the tracker');
      createdAt = new Date().toISOString();
      await window.clickTitleButton('Changes', 'Refresh Feedback');
      const row = window.row('Changes', 'Unread, Ticket, No tea for <b>me</b>');
      await row.waitFor();
      await row.click();
      await window.cursorIsAt('page.js', 27);
      const thread = window.page.locator('.monaco-editor .review-widget', { hasText: 'No tea for <b>me</b>' });
      // Text from outside contains no links or markup.
      await thread.filter({ hasText: '[click](command:workbench.action.quit)' }).waitFor();
      assert.equal(await thread.locator('a[href^="command:"], b').count(), 0);
      await window.screenshot('feedback-issue');

      await thread.locator('.review-thread-reply-button, .comment-form').first().click();
      await window.page.keyboard.type('We are on it.');
      await thread.locator('.form-actions .monaco-button', { hasText: 'Reply' }).click();
      await eventually(async () => assert.deepEqual(replies, ['We are on it.']));

      const { url } = tracker;
      await tracker.stop();
      await window.clickTitleButton('Changes', 'Refresh Feedback');
      const failure = window.row('Changes', 'GitHub is not reachable');
      await failure.waitFor();
      assert.match((await failure.getAttribute('aria-label')) ?? '', new RegExp(`${new URL(url).host}.*Updated`));
      await window.row('Changes', 'Ticket, No tea for <b>me</b>').waitFor();
      await window.screenshot('feedback-offline');
    });

    it('comments on a delivered fix once if the setting is on, and disappears when it is resolved', async () => {
      await delivers('Ask the tracker');
      createdAt = new Date().toISOString();
      await window.clickTitleButton('Changes', 'Refresh Feedback');
      await window.row('Changes', 'Unread, Ticket, No tea').waitFor();
      change('Tea. And pots.', 'Tea. Also for you.', 'Tea for all\n\nFixes #7');
      session.set({ 'deliver.feedback.commentOnFix': true });
      await delivers('Tea for all');
      await window.row('Changes', 'Unread, Ticket, No tea for <b>me</b>, fix delivered to staging').waitFor();
      const commit = shop.git('rev-parse', '--short=7', 'HEAD').trim();
      await eventually(async () => assert.deepEqual(replies, [`The fix is delivered to staging: ${commit} Tea for all`]));
      await window.clickRowButton('Changes', 'Unread, Ticket, No tea', 'Resolve');
      await eventually(async () => assert.ok(!(await window.treeNames('Changes')).some((name) => name.includes('No tea'))));
      assert.equal(state, 'closed');
      assert.equal(replies.length, 1);
    });
  });
});
