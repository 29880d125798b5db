import * as assert from 'node:assert/strict';
import * as path from 'node:path';
import { Audience } from '../../../../src/core/process/visibility';
import { watchForAll } from '../../../../src/core/process/leader';
import { eventually, temporaryFolder } from '../../../support/temporary';

describe('watching for all windows', () => {
  const folder = temporaryFolder();
  let windows: Window[];
  /** The windows whose process watches; there is never more than one. */
  let watching: Window[];

  /** A window of the editor with its process. */
  class Window {
    readonly audience = new Audience();
    private readonly end = new AbortController();
    private readonly ended: Promise<void>;

    constructor(isNews = false) {
      windows.push(this);
      const { audience } = this;
      const watch = async (signal: AbortSignal): Promise<void> => {
        watching.push(this);
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        watching.splice(watching.indexOf(this), 1);
      };
      this.ended = watchForAll({ lock: path.join(folder.path, 'watch.lock'), audience, isNews, watch }, this.end.signal);
    }

    see(isSeen: boolean): this {
      this.audience.says(this, isSeen);
      return this;
    }

    async close(): Promise<void> {
      this.end.abort();
      await this.ended;
    }

    async watches(): Promise<this> {
      await eventually('this window watches', () => watching.includes(this));
      assert.equal(watching.length, 1);
      return this;
    }

    async isSeen(isSeen: boolean): Promise<void> {
      await eventually(`it is ${isSeen ? 'seen' : 'hidden'}`, () => this.audience.isSeen === isSeen);
    }
  }

  beforeEach(() => {
    windows = [];
    watching = [];
  });
  afterEach(async () => Promise.all(windows.map(async (window) => window.close())));

  it('is seen while any window is', async () => {
    const first = await new Window().watches();
    const second = new Window().see(true);
    await first.isSeen(true);
    second.see(false);
    await first.isSeen(false);
    second.see(true);
    await first.isSeen(true);
    await second.close();
    await first.isSeen(false);
  });

  it('is done by another as soon as the window that did is closed, for those that are left', async () => {
    const first = (await new Window().watches()).see(true);
    const [second, third] = [new Window(), new Window().see(true)];
    await first.close();
    await eventually('one of the others watches', () => watching.length === 1);
    const [next] = watching;
    const last = next === second ? third : second;
    await next?.isSeen(true);
    third.see(false);
    await next?.isSeen(false);
    await next?.close();
    await last.watches();
  });

  it('is handed over to one that knows more, and to no other', async () => {
    const first = await new Window().watches();
    const second = new Window().see(true);
    await first.isSeen(true);
    const third = new Window(true);
    await third.watches();
    await third.isSeen(true);
    first.see(true);
    second.see(false);
    await third.isSeen(true);
    first.see(false);
    await third.isSeen(false);
    await third.close();
    await eventually('one of the others watches', () => watching.length === 1);
  });
});
