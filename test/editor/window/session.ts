import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import type { Browser } from 'playwright-core';
import { launchBrowser } from '../host/browser';
import { Server } from '../host/server';
import { Window } from '../host/window';
import { endEverything } from './leftovers';

/** One test's VS Code with a DELIVER_HOME and a folder of its own. `end` closes it and all that was started in it. */
export class Session {
  private constructor(
    readonly folder: string,
    readonly home: string,
    readonly server: Server,
    private readonly browser: Browser,
  ) {}

  static async start(options: { readonly workspaceTrust?: boolean } = {}): Promise<Session> {
    const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'deliver-window-')));
    const home = path.join(folder, 'home');
    const server = await Server.start({ env: { DELIVER_HOME: home }, endsWhenUnused: true, ...options });
    return new Session(folder, home, server, await launchBrowser());
  }

  /** A window on `folder`, or an empty one. */
  async open(folder?: string): Promise<Window> {
    return Window.open(this.browser, this.server.address(folder));
  }

  async setTheme(window: Window, theme: 'light' | 'dark'): Promise<void> {
    this.server.set({ 'workbench.colorTheme': theme === 'light' ? 'Default Light Modern' : 'Default Dark Modern' });
    await window.themed(theme);
  }

  async end(): Promise<void> {
    await this.browser.close();
    await this.server.stop();
    await endEverything(this.home);
    fs.rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}
