import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

/** A folder for one test; call it in `describe`, use `path` in the tests. Removed after each. */
export function temporaryFolder(): { readonly path: string } {
  let folder = '';
  beforeEach(() => {
    folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'deliver-test-')));
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return {
    get path(): string {
      return folder;
    },
  };
}

/** Waits for a condition, looking often; fails by name when it does not come true. */
export async function eventually<T>(
  what: string,
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  withinMs = 15_000,
): Promise<T> {
  for (const deadline = Date.now() + withinMs; ;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`never came true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
