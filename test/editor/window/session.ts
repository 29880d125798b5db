import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import type { Test } from 'mocha';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../host/browser';
import { endEverything } from '../host/leftovers';
import { project } from '../host/places';
import { Server } from '../host/server';
import { Window } from '../host/window';

/** A VS Code server for one test, with its own DELIVER_HOME and folder. `end` stops it and everything that was started in it. */
export class Session {
  private deliveries: Window | undefined;

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

  /** Opens a window on `folder`, or an empty one. */
  async open(folder?: string): Promise<Window> {
    return Window.open(this.browser, this.server.address(folder));
  }

  /** Opens a window on `folder` and shows Deliver's views. */
  async openDeliveries(folder: string): Promise<Window> {
    const window = await this.open(folder);
    await window.showContainer('Deliver');
    this.deliveries ??= window;
    return window;
  }

  set(settings: Readonly<Record<string, unknown>>): void {
    this.server.set(settings);
  }

  /** Opens a web page beside the editor. */
  async visit(url: string): Promise<Page> {
    const page = await this.browser.newPage();
    await page.goto(url);
    return page;
  }

  /** Takes screenshots of a window in two themes: `NAME-dark` and `NAME-light`. */
  async screenshots(window: Window, name: string): Promise<void> {
    for (const theme of ['dark', 'light'] as const) {
      this.server.set({ 'workbench.colorTheme': theme === 'light' ? 'Default Light Modern' : 'Default Dark Modern' });
      await window.themed(theme);
      await window.screenshot(`${name}-${theme}`);
    }
  }

  /** Returns the live services that the command line lists. */
  liveServices(): { readonly service: string; readonly url: string }[] {
    const command = [path.join(project, 'dist/cli.js'), 'environment', '--json'];
    const output = execFileSync(process.execPath, command, { env: { ...process.env, DELIVER_HOME: this.home }, encoding: 'utf8' });
    return (JSON.parse(output) as { services: { service: string; url: string }[] }[]).flatMap((environment) => environment.services);
  }

  /** Returns the folders of all runs of this session. */
  runs(): string[] {
    const repositories = path.join(this.home, 'repositories');
    if (!fs.existsSync(repositories)) return [];
    return fs.readdirSync(repositories).flatMap((name) => {
      const runs = path.join(repositories, name, 'runs');
      return fs.existsSync(runs) ? fs.readdirSync(runs).map((run) => path.join(runs, run)) : [];
    });
  }

  /** Stops everything. Takes a screenshot if the test has failed. */
  async end(test?: Test): Promise<void> {
    if (test?.isFailed()) await this.deliveries?.screenshot(`failed-${test.title.replace(/\W+/g, '-')}`);
    await this.browser.close();
    await this.server.stop();
    await endEverything(this.home);
    fs.rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}
