import * as assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { buildSync } from 'esbuild';
import type { Option, Report } from '../../../support/sharing-process';
import { eventually, temporaryFolder } from '../../../support/temporary';

describe('a task that several windows share', function () {
  this.timeout(60_000);
  // Before the folder is removed.
  afterEach(async () => Promise.all(windows.map(async (window) => window.close())));
  const folder = temporaryFolder();
  let windows: Window[];
  /** The windows whose process leads; never more than one. */
  let leading: Window[];

  /** A window of the editor with its process. */
  class Window {
    readonly process: ChildProcess;
    readonly ended: Promise<unknown>;
    private isReady = false;
    private isAnyVisible: boolean | undefined;

    constructor(...options: Option[]) {
      windows.push(this);
      this.process = fork(program(), [lock(), ...options], { execArgv: [] });
      this.process.on('message', (report) => this.hear(report as Report));
      this.ended = new Promise((resolve) => this.process.once('exit', resolve)).then(() => this.forget());
    }

    show(isVisible: boolean): this {
      this.process.send(isVisible ? 'visible' : 'hidden');
      return this;
    }

    async ready(): Promise<this> {
      await eventually('the process has begun', () => this.isReady);
      return this;
    }

    async leads(): Promise<this> {
      await eventually('this window leads', () => leading.includes(this));
      assert.deepEqual(leading, [this]);
      return this;
    }

    async sees(isVisible: boolean): Promise<void> {
      await eventually(`the task is ${isVisible ? 'visible' : 'hidden'}`, () => this.isAnyVisible === isVisible);
    }

    async close(): Promise<void> {
      if (this.process.connected) this.process.disconnect();
      await this.ended;
    }

    async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
      this.process.kill(signal);
      await this.ended;
    }

    private hear(report: Report): void {
      if (report === 'ready') this.isReady = true;
      else if (report === 'leads') leading.push(this);
      else if (report === 'waits') this.forget();
      else this.isAnyVisible = report === 'visible';
    }

    private forget(): void {
      leading = leading.filter((window) => window !== this);
    }
  }

  const lock = (): string => path.join(folder.path, 'locks', 'shared.lock');
  const files = (): string[] => fs.readdirSync(path.dirname(lock())).sort();

  /** Bundled: a process that compiles TypeScript starts slowly. */
  const program = (): string => path.join(folder.path, 'sharing-process.js');

  beforeEach(() => {
    windows = [];
    leading = [];
    const source = path.join(__dirname, '..', '..', '..', 'support', 'sharing-process.ts');
    buildSync({ entryPoints: [source], bundle: true, platform: 'node', outfile: program() });
  });

  for (const options of [[], ['out-of-watches']] as const) {
    const where = options.length === 0 ? '' : ', also when the system is out of watches';

    it(`is visible while any window is${where}`, async () => {
      const first = await new Window(...options).leads();
      const second = new Window(...options).show(true);
      await first.sees(true);
      second.show(false);
      await first.sees(false);
      second.show(true);
      await first.sees(true);
      await second.close();
      await first.sees(false);
      first.show(true);
      await first.sees(true);
    });

    it(`passes to another window as soon as the window that leads is closed${where}`, async () => {
      const first = (await new Window(...options).leads()).show(true);
      const [second, third] = [new Window(...options), new Window(...options).show(true)];
      await Promise.all([second.ready(), third.ready()]);
      await first.close();
      await eventually('another window leads', () => leading.length === 1);
      const [next] = leading;
      const last = next === second ? third : second;
      await next?.sees(true);
      third.show(false);
      await next?.sees(false);
      await next?.close();
      await last.leads();
    });
  }

  it('passes to another window within about a second when the process that leads is killed', async () => {
    const first = (await new Window().leads()).show(true);
    await first.sees(true);
    const second = await new Window().ready();
    await first.kill();
    const killedAt = Date.now();
    await second.leads();
    assert.ok(Date.now() - killedAt < 3000);
    await second.sees(false);
  });

  it('is hidden again when the process of the only visible window is killed', async () => {
    const first = await new Window().leads();
    const second = new Window().show(true);
    await first.sees(true);
    await second.kill();
    await first.sees(false);
    assert.deepEqual(files(), ['shared.lock']);
  });

  it('passes to the window that brings news, and to no other', async () => {
    const first = await new Window().leads();
    const second = new Window().show(true);
    await first.sees(true);
    const third = await new Window('news').leads();
    await third.sees(true);
    first.show(true);
    second.show(false);
    await third.sees(true);
    first.show(false);
    await third.sees(false);
    await third.close();
    await eventually('another window leads', () => leading.length === 1);
  });

  it('stays with the window that brings the newest news', async () => {
    await new Window('news').leads();
    const second = await new Window('news').leads();
    const third = await new Window('news').leads();
    const fourth = await new Window().ready();
    await second.close();
    await third.leads();
    await third.kill();
    await eventually('another window leads', () => leading.length === 1);
    await fourth.close();
  });

  (process.platform === 'win32' ? it.skip : it)(
    'ends with a signal and leaves no files, in a leader and in a process that waits',
    async () => {
      const first = await new Window().leads();
      const second = new Window().show(true);
      await first.sees(true);
      for (const window of [second, first]) {
        await window.kill('SIGTERM');
        assert.equal(window.process.exitCode, 0);
      }
      assert.deepEqual(files(), []);
    },
  );

  it('writes nothing while nothing changes', async () => {
    const first = await new Window().leads();
    new Window().show(true);
    await first.sees(true);
    await new Window('news').leads();
    const changes: (string | null)[] = [];
    const watcher = fs.watch(path.dirname(lock()), (_, name) => changes.push(name));
    await new Promise((resolve) => setTimeout(resolve, 2500));
    watcher.close();
    assert.deepEqual(changes, []);
  });
});
