import * as fs from 'node:fs';
import * as path from 'node:path';

/** Writes JSON. Readers see the old or the new content, never a part of it, even after a crash of the machine. */
export function writeAtomically(file: string, content: unknown, mode = 0o644): void {
  writeTextAtomically(file, JSON.stringify(content, undefined, 2), { mode });
}

/**
 * Replaces the content of a file completely, or throws and leaves it as it was. Readers see the old or the new content. `durable`: even
 * after a crash of the machine.
 */
export function writeTextAtomically(
  file: string,
  text: string,
  { mode = 0o644, durable = true }: { readonly mode?: number; readonly durable?: boolean } = {},
): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}${draftSuffix}`;
  try {
    const descriptor = fs.openSync(draft, 'w', mode);
    try {
      writeFully(descriptor, Buffer.from(text), file);
      if (durable) fs.fsyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
    fs.renameSync(draft, file);
  } catch (error) {
    fs.rmSync(draft, { force: true });
    throw named(error, file);
  }
}

/** The end of the names of files that are not complete yet. */
export const draftSuffix = '.draft';

/** Writes all bytes, or throws an error that names the file: a full disk takes a part of them without an error. */
export function writeFully(descriptor: number, bytes: Buffer, file: string): void {
  try {
    for (let at = 0; at < bytes.length;) at += fs.writeSync(descriptor, bytes, at);
  } catch (error) {
    throw named(error, file);
  }
}

/** Appends text completely, or throws an error that names the file. */
export function appendText(file: string, text: string): void {
  try {
    fs.appendFileSync(file, text);
  } catch (error) {
    throw named(error, file);
  }
}

/** Node names no file in the errors of a descriptor, and the draft in others. */
function named(error: unknown, file: string): unknown {
  if (error instanceof Error && 'syscall' in error) (error as NodeJS.ErrnoException).path = file;
  return error;
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
