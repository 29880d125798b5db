import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { screenshots } from './places';

/** What is used of an element inside the page; the project itself is compiled without the browser's types. */
interface Drawn {
  readonly textContent: string | null;
  getAttribute(name: string): string | null;
  getBoundingClientRect(): { readonly top: number };
}

/** One VS Code window in the browser, used as a person uses it. Waits are conditions with playwright's time limit. */
export class Window {
  private constructor(
    private readonly context: BrowserContext,
    readonly page: Page,
  ) {}

  /** Resolves when the workbench is drawn and the extension host has started. */
  static async open(browser: Browser, address: string): Promise<Window> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    await exposeTestDriver(page);
    await page.goto(address);
    const window = new Window(context, page);
    await window.ready();
    return window;
  }

  async ready(): Promise<void> {
    await this.page.locator('.monaco-workbench .part.statusbar').waitFor();
    await this.page.locator('.part.activitybar .action-item').first().waitFor();
  }

  async runCommand(title: string): Promise<void> {
    const row = this.page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first();
    // What was asked for before may take the focus, and the palette closes: a person opens it again.
    for (let tries = 3; tries > 0 && !(await row.isVisible()); tries--) {
      await this.page.keyboard.press('F1');
      const input = this.page.locator('.quick-input-widget input[type=text]');
      await input.fill(`>${title}`).catch(() => {});
      await row.waitFor({ timeout: 8_000 }).catch(() => {});
    }
    await row.click();
  }

  /** Chooses an entry of the quick pick that is open. */
  async pick(label: string): Promise<void> {
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: label }).first().click();
  }

  /** Presses a button of an entry of the quick pick that is open, shown while the pointer is over the entry. */
  async clickPickButton(entry: string, button: string): Promise<void> {
    const row = this.page.locator('.quick-input-list .monaco-list-row', { hasText: entry }).first();
    await row.hover();
    await row.locator(`a.action-label[aria-label^="${button}"]`).first().click();
  }

  /** Presses a button of the dialog that asks, and answers what it says. */
  async answerDialog(button: string): Promise<string> {
    const dialog = this.page.locator('.monaco-dialog-box');
    await dialog.waitFor();
    const text = await dialog.innerText();
    await dialog.locator('.monaco-button', { hasText: button }).first().click();
    return text;
  }

  /** Shows a view container of the activity bar by its title. */
  async showContainer(title: string): Promise<void> {
    const tab = this.page.locator(`.part.activitybar .action-item a[aria-label^="${title}"]`).first();
    await tab.waitFor();
    if (!(await this.sidebar.locator('.composite.title h2', { hasText: new RegExp(title, 'i') }).isVisible())) await tab.click();
  }

  get sidebar(): Locator {
    return this.page.locator('.part.sidebar');
  }

  /** A view of the side bar by its title, header included. */
  view(title: string): Locator {
    return this.sidebar.locator('.pane', { has: this.page.locator(`.pane-header[aria-label^="${title}"]`) });
  }

  rows(view: string): Locator {
    return this.view(view).locator('.monaco-list-row');
  }

  /** Returns the row whose accessible name starts with `ariaLabel`. */
  row(view: string, ariaLabel: string): Locator {
    return this.view(view).locator(`.monaco-list-row[aria-label^="${ariaLabel}"]`).first();
  }

  /** The rows of a tree as one line of text each, indented by their level. */
  async treeRows(view: string): Promise<string[]> {
    return this.rows(view).evaluateAll((rows: Drawn[]) =>
      rows.map((row) => {
        const indent = '  '.repeat(Number(row.getAttribute('aria-level') ?? 1) - 1);
        return indent + (row.textContent ?? '').replace(/\s+/g, ' ').trim();
      }),
    );
  }

  /** What a screen reader says for each row of a tree. */
  async treeNames(view: string): Promise<string[]> {
    return this.rows(view).evaluateAll((rows: Drawn[]) => rows.map((row) => row.getAttribute('aria-label') ?? ''));
  }

  /** The welcome text of an empty view. */
  async welcome(view: string): Promise<string> {
    const content = this.view(view).locator('.welcome-view-content').filter({ hasText: /\S/ });
    await content.first().waitFor();
    return (await content.allInnerTexts()).join('\n');
  }

  /** Clicks a button in a view's title, shown while the pointer is over the view. */
  async clickTitleButton(view: string, button: string): Promise<void> {
    await this.view(view).hover();
    await this.view(view).locator(`.pane-header .action-item a[aria-label^="${button}"]`).first().click();
  }

  /** Clicks a button of a row, shown while the pointer is over the row. */
  async clickRowButton(view: string, ariaLabel: string, button: string): Promise<void> {
    const row = this.row(view, ariaLabel);
    await row.hover();
    await row.locator(`.action-item a[aria-label^="${button}"]`).first().click();
  }

  /** Chooses from the menu of a row. */
  async chooseFromMenu(view: string, ariaLabel: string, entry: string): Promise<void> {
    await this.row(view, ariaLabel).click({ button: 'right' });
    const item = this.page.locator('.monaco-menu a.action-menu-item', { hasText: entry }).first();
    await item.hover();
    // The menu takes no notice of what is too quick to be meant.
    await item.click({ delay: 200 });
  }

  /** Waits until the cursor is on a line (from 1) of the open file. */
  async cursorIsAt(file: string, line: number): Promise<void> {
    await this.page.locator('.part.editor .tab.active', { hasText: file }).waitFor();
    await this.statusBarSays(new RegExp(`^Ln ${line}, Col `));
  }

  /** Waits until the Problems panel holds a problem that says this. */
  async problemsAre(text: RegExp): Promise<void> {
    await this.runCommand('Problems: Focus on Problems View');
    await this.page.locator('.markers-panel .monaco-list-row', { hasText: text }).first().waitFor();
  }

  /** Waits until a problem of the Problems panel is on this line (from 1). */
  async problemIsOnLine(line: number): Promise<void> {
    await this.page
      .locator('.markers-panel .monaco-list-row', { hasText: `[Ln ${line}, Col ` })
      .first()
      .waitFor();
  }

  async focusEditor(): Promise<void> {
    await this.runCommand('View: Focus Active Editor Group');
    await this.page.locator('.part.editor .monaco-editor.focused').first().waitFor();
  }

  /** Follows the link in the open document that ends with this. */
  async clickLink(text: string): Promise<void> {
    const link = this.page.locator('.part.editor .monaco-editor .detected-link', { hasText: text }).first();
    await link.waitFor();
    await link.click({ modifiers: ['Control'] });
  }

  /** How many problems there are in all, as the status bar counts them. */
  async problemCount(): Promise<number> {
    const label = await this.page.locator('.statusbar-item#status\\.problems').getAttribute('aria-label');
    return [...(label ?? '').matchAll(/\d+/g)].reduce((sum, [digits]) => sum + Number(digits), 0);
  }

  /** Waits until the quick pick offers this. */
  async picks(text: RegExp): Promise<void> {
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: text }).first().waitFor();
  }

  /** Opens a file of the folder by the end of its path. */
  async openFile(name: string): Promise<void> {
    await this.page.keyboard.press('Control+P');
    const input = this.page.locator('.quick-input-widget input[type=text]');
    await input.waitFor();
    await input.fill(name);
    await this.page
      .locator('.quick-input-list .monaco-list-row', { hasText: path.posix.basename(name) })
      .first()
      .click();
    await this.page.locator('.part.editor .tab', { hasText: path.posix.basename(name) }).waitFor();
  }

  /** Waits until the Markdown preview of a file is open and says this. */
  async previews(file: string, text: RegExp): Promise<void> {
    await this.page.locator('.part.editor .tab', { hasText: `Preview ${file}` }).waitFor();
    const body = this.page.frameLocator('iframe.webview.ready').frameLocator('iframe').locator('body');
    await body.getByText(text).first().waitFor();
  }

  /** Waits until an item of the status bar says this. */
  async statusBarSays(text: RegExp): Promise<void> {
    await this.page.locator('.part.statusbar .statusbar-item', { hasText: text }).first().waitFor();
  }

  async statusBar(): Promise<string[]> {
    const items = this.page.locator('.part.statusbar .statusbar-item');
    return (await items.allInnerTexts()).map((text) => text.replace(/\s+/g, ' ').trim()).filter((text) => text !== '');
  }

  /** The lines of the output panel that are in sight. */
  async outputLines(): Promise<string[]> {
    return this.linesIn('panel');
  }

  /** The lines of the open document that are in sight. */
  async editorLines(): Promise<string[]> {
    return this.linesIn('editor');
  }

  private async linesIn(part: 'panel' | 'editor'): Promise<string[]> {
    const lines = this.page.locator(`.part.${part} .monaco-editor .view-line`);
    const placed = await lines.evaluateAll((nodes: Drawn[]) =>
      nodes.map((node) => ({ top: node.getBoundingClientRect().top, text: node.textContent ?? '' })),
    );
    return placed.sort((a, b) => a.top - b.top).map((line) => line.text.replace(/\u00a0/g, ' '));
  }

  /** Opens the notification that says this, and answers the names of its buttons. Toasts are off in tests. */
  async notificationButtons(text: RegExp): Promise<string[]> {
    await this.runCommand('Notifications: Show Notifications');
    const item = this.page.locator('.notifications-center .notification-list-item', { hasText: text }).first();
    await item.waitFor();
    await item.hover();
    return item.locator('.notification-list-item-buttons-container .monaco-button').allInnerTexts();
  }

  /** What the notifications say. */
  async notifications(): Promise<string[]> {
    const center = this.page.locator('.notifications-center');
    if (!(await center.isVisible())) await this.runCommand('Notifications: Show Notifications');
    await center.waitFor();
    return center.locator('.notification-list-item-message').allInnerTexts();
  }

  /** Presses a button of the notification that says this. */
  async pressInNotification(text: RegExp, button: string): Promise<void> {
    const item = this.page.locator('.notifications-center .notification-list-item', { hasText: text }).first();
    await item.locator('.monaco-button', { hasText: button }).first().click();
  }

  /** A picture under `screenshots/`, without the blinking cursor and what is shown under the pointer. */
  async screenshot(name: string): Promise<string> {
    fs.mkdirSync(screenshots, { recursive: true });
    const file = path.join(screenshots, `${name}.png`);
    await this.pointNowhere();
    await this.page.screenshot({ path: file, animations: 'disabled', caret: 'hide' });
    return file;
  }

  /**
   * Takes the pointer to a corner. What was shown under it stays when its place was drawn anew meanwhile, until the pointer
   * has been over it and left it. A picture is not worth a failure: after some tries it is taken with what is shown.
   */
  private async pointNowhere(): Promise<void> {
    const shown = this.page.locator('.monaco-hover:visible').first();
    for (let tries = 5; tries > 0; tries--) {
      await this.page.mouse.move(0, 0);
      const gone = await shown.waitFor({ state: 'detached', timeout: 2_000 }).then(
        () => true,
        () => false,
      );
      if (gone) return;
      await shown.hover({ timeout: 1_000 }).catch(() => {});
    }
  }

  async narrow(): Promise<void> {
    await this.page.setViewportSize({ width: 520, height: 800 });
  }

  /** Waits until the theme that was set is drawn. */
  async themed(theme: 'light' | 'dark'): Promise<void> {
    await this.page.locator(theme === 'light' ? '.monaco-workbench.vs' : '.monaco-workbench.vs-dark').waitFor();
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.ready();
  }

  async close(): Promise<void> {
    await this.context.close();
  }
}

/** With the smoke-test driver on, the page calls these two; without them it would report errors. */
async function exposeTestDriver(page: Page): Promise<void> {
  await page.exposeFunction('codeAutomationLog', () => undefined);
  await page.exposeFunction('codeAutomationExit', () => undefined);
}
