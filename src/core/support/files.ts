import * as fs from 'node:fs';
import * as path from 'node:path';

/** Writes JSON. Readers see the old or the new content, never a part of it, even after a crash of the machine. */
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
 * Removes a folder, including read-only folders such as Go's module cache. Returns false if a part remains, such as
 * files of another user that a container wrote.
 */
export async function removeFolder(folder: string): Promise<boolean> {
  const remove = (): Promise<void> => fs.promises.rm(folder, { recursive: true, force: true, maxRetries: 3 });
  try {
    await remove();
  } catch {
    await makeWritable(folder);
    await remove().catch(() => {}); // the next cleanup tries again
  }
  return !fs.existsSync(folder);
}

async function makeWritable(folder: string): Promise<void> {
  await fs.promises.chmod(folder, 0o700).catch(() => {});
  const entries = await fs.promises.readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await makeWritable(path.join(folder, entry.name));
}

/** Returns the names of the entries of a folder, sorted. Empty if the folder cannot be read. */
export function fileNames(folder: string): string[] {
  try {
    return fs.readdirSync(folder).sort();
  } catch {
    return [];
  }
}
