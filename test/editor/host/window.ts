import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { screenshots } from './places';

/** The used part of a DOM element. The project is compiled without the browser's types. */
interface DomElement {
  readonly textContent: string | null;
  getAttribute(name: string): string | null;
  getBoundingClientRect(): { readonly top: number };
}

/** A VS Code window in the browser, operated with mouse and keyboard. Waits are conditions with the timeout of playwright. */
export class Window {
  private constructor(
    private readonly context: BrowserContext,
    readonly page: Page,
  ) {}

  /** Resolves when the workbench is drawn. */
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
    // An earlier command may take the focus, which closes the palette.
    for (let tries = 3; tries > 0 && !(await row.isVisible()); tries--) {
      await this.page.keyboard.press('F1');
      const input = this.page.locator('.quick-input-widget input[type=text]');
      await input.fill(`>${title}`).catch(() => {});
      await row.waitFor({ timeout: 8_000 }).catch(() => {});
    }
    await row.click();
  }

  /** Selects an entry of the open quick pick. */
  async pick(label: string): Promise<void> {
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: label }).first().click();
  }

  /** Clicks a button of an entry of the open quick pick. */
  async clickPickButton(entry: string, button: string): Promise<void> {
    const row = this.page.locator('.quick-input-list .monaco-list-row', { hasText: entry }).first();
    await row.hover();
    await row.locator(`a.action-label[aria-label^="${button}"]`).first().click();
  }

  /** Clicks a button of the open dialog and returns the text of the dialog. */
  async answerDialog(button: string): Promise<string> {
    const dialog = this.page.locator('.monaco-dialog-box');
    await dialog.waitFor();
    const text = await dialog.innerText();
    await dialog.locator('.monaco-button', { hasText: button }).first().click();
    return text;
  }

  /** Opens a view container of the activity bar. */
  async showContainer(title: string): Promise<void> {
    const tab = this.page.locator(`.part.activitybar .action-item a[aria-label^="${title}"]`).first();
    await tab.waitFor();
    if (!(await this.sidebar.locator('.composite.title h2', { hasText: new RegExp(title, 'i') }).isVisible())) await tab.click();
  }

  get sidebar(): Locator {
    return this.page.locator('.part.sidebar');
  }

  /** Returns a view of the side bar with its header. */
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

  /** Returns the rows of a tree as lines of text, indented by their level. */
  async treeRows(view: string): Promise<string[]> {
    return this.rows(view).evaluateAll((rows: DomElement[]) =>
      rows.map((row) => {
        const indent = '  '.repeat(Number(row.getAttribute('aria-level') ?? 1) - 1);
        return indent + (row.textContent ?? '').replace(/\s+/g, ' ').trim();
      }),
    );
  }

  /** Returns the text for screen readers of each row of a tree. */
  async treeNames(view: string): Promise<string[]> {
    return this.rows(view).evaluateAll((rows: DomElement[]) => rows.map((row) => row.getAttribute('aria-label') ?? ''));
  }

  /** Returns the welcome text of an empty view. */
  async welcome(view: string): Promise<string> {
    const content = this.view(view).locator('.welcome-view-content').filter({ hasText: /\S/ });
    await content.first().waitFor();
    return (await content.allInnerTexts()).join('\n');
  }

  /** Clicks a button in the title of a view. */
  async clickTitleButton(view: string, button: string): Promise<void> {
    await this.view(view).hover();
    await this.view(view).locator(`.pane-header .action-item a[aria-label^="${button}"]`).first().click();
  }

  /** Clicks a button of a row. */
  async clickRowButton(view: string, ariaLabel: string, button: string): Promise<void> {
    const row = this.row(view, ariaLabel);
    await row.hover();
    await row.locator(`.action-item a[aria-label^="${button}"]`).first().click();
  }

  /** Selects an entry of a row's context menu. */
  async chooseFromMenu(view: string, ariaLabel: string, entry: string): Promise<void> {
    await this.row(view, ariaLabel).click({ button: 'right' });
    const item = this.page.locator('.monaco-menu a.action-menu-item', { hasText: entry }).first();
    await item.hover();
    // The menu ignores a very short click.
    await item.click({ delay: 200 });
  }

  /** Waits until the cursor is on a line (from 1) of the open file. */
  async cursorIsAt(file: string, line: number): Promise<void> {
    await this.page.locator('.part.editor .tab.active', { hasText: file }).waitFor();
    await this.statusBarSays(new RegExp(`^Ln ${line}, Col `));
  }

  /** Opens the Problems panel and waits for a problem with this text. */
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

  /** Follows the link with this text in the open document. */
  async clickLink(text: string): Promise<void> {
    const link = this.page.locator('.part.editor .monaco-editor .detected-link', { hasText: text }).first();
    await link.waitFor();
    await link.click({ modifiers: ['Control'] });
  }

  /** Returns the number of problems in the status bar. */
  async problemCount(): Promise<number> {
    const label = await this.page.locator('.statusbar-item#status\\.problems').getAttribute('aria-label');
    return [...(label ?? '').matchAll(/\d+/g)].reduce((sum, [digits]) => sum + Number(digits), 0);
  }

  /** Waits until the quick pick contains this text. */
  async picks(text: RegExp): Promise<void> {
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: text }).first().waitFor();
  }

  /** Opens a file of the workspace by the end of its path. */
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

  /** Waits until the Markdown preview of a file is open and contains this text. */
  async previews(file: string, text: RegExp): Promise<void> {
    await this.page.locator('.part.editor .tab', { hasText: `Preview ${file}` }).waitFor();
    const body = this.page.frameLocator('iframe.webview.ready').frameLocator('iframe').locator('body');
    await body.getByText(text).first().waitFor();
  }

  /** Waits until an item of the status bar contains this text. */
  async statusBarSays(text: RegExp): Promise<void> {
    await this.page.locator('.part.statusbar .statusbar-item', { hasText: text }).first().waitFor();
  }

  async statusBar(): Promise<string[]> {
    const items = this.page.locator('.part.statusbar .statusbar-item');
    return (await items.allInnerTexts()).map((text) => text.replace(/\s+/g, ' ').trim()).filter((text) => text !== '');
  }

  /** Returns the visible lines of the output panel. */
  async outputLines(): Promise<string[]> {
    return this.linesIn('panel');
  }

  /** Returns the visible lines of the open document. */
  async editorLines(): Promise<string[]> {
    return this.linesIn('editor');
  }

  private async linesIn(part: 'panel' | 'editor'): Promise<string[]> {
    const lines = this.page.locator(`.part.${part} .monaco-editor .view-line`);
    const placed = await lines.evaluateAll((nodes: DomElement[]) =>
      nodes.map((node) => ({ top: node.getBoundingClientRect().top, text: node.textContent ?? '' })),
    );
    return placed.sort((a, b) => a.top - b.top).map((line) => line.text.replace(/\u00a0/g, ' '));
  }

  /** Opens the notification with this text and returns its buttons. */
  async notificationButtons(text: RegExp): Promise<string[]> {
    await this.runCommand('Notifications: Show Notifications');
    const item = this.page.locator('.notifications-center .notification-list-item', { hasText: text }).first();
    await item.waitFor();
    await item.hover();
    return item.locator('.notification-list-item-buttons-container .monaco-button').allInnerTexts();
  }

  /** Returns the texts of all notifications. */
  async notifications(): Promise<string[]> {
    const center = this.page.locator('.notifications-center');
    if (!(await center.isVisible())) await this.runCommand('Notifications: Show Notifications');
    await center.waitFor();
    return center.locator('.notification-list-item-message').allInnerTexts();
  }

  /** Clicks a button of the notification with this text. */
  async pressInNotification(text: RegExp, button: string): Promise<void> {
    const item = this.page.locator('.notifications-center .notification-list-item', { hasText: text }).first();
    await item.locator('.monaco-button', { hasText: button }).first().click();
  }

  /** Takes a screenshot without cursor and hovers. Returns its file in `screenshots/`. */
  async screenshot(name: string): Promise<string> {
    fs.mkdirSync(screenshots, { recursive: true });
    const file = path.join(screenshots, `${name}.png`);
    await this.hideHover();
    await this.page.screenshot({ path: file, animations: 'disabled', caret: 'hide' });
    return file;
  }

  /**
   * Moves the pointer to a corner and waits until the hover is gone. A hover stays if its element was redrawn, until the pointer enters
   * and leaves it. Gives up after some tries, because a hover in a screenshot is no failure.
   */
  private async hideHover(): Promise<void> {
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

  /** Waits until the theme is drawn. */
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

/** The page calls these functions because the smoke test driver is on. */
async function exposeTestDriver(page: Page): Promise<void> {
  await page.exposeFunction('codeAutomationLog', () => undefined);
  await page.exposeFunction('codeAutomationExit', () => undefined);
}
