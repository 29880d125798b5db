import * as fs from 'node:fs';
import * as path from 'node:path';

/** Writes JSON. Readers see the old content or the new one, never half of it, also after a crash of the machine. */
export function writeAtomically(file: string, content: unknown, mode = 0o644): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}.draft`;
  const descriptor = fs.openSync(draft, 'w', mode);
  try {
    fs.writeSync(descriptor, JSON.stringify(content, undefined, 2));
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
  fs.renameSync(draft, file);
}

/**
 * Removes a folder as far as it can be: also folders that a tool has made read-only (Go's module
 * cache is), not what another user owns, such as a container's leftovers. Answers whether it is gone.
 */
export async function removeFolder(folder: string): Promise<boolean> {
  const remove = (): Promise<void> => fs.promises.rm(folder, { recursive: true, force: true, maxRetries: 3 });
  try {
    await remove();
  } catch {
    await makeWritable(folder);
    await remove().catch(() => {}); // the next tidying tries again
  }
  return !fs.existsSync(folder);
}

async function makeWritable(folder: string): Promise<void> {
  await fs.promises.chmod(folder, 0o700).catch(() => {});
  const entries = await fs.promises.readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await makeWritable(path.join(folder, entry.name));
}
