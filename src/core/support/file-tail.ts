import * as fs from 'node:fs';

/** Returns the last bytes of a file after `from`. Empty if the file cannot be read. */
export function readTail(file: string, bytes: number, from = 0): string {
  let descriptor: number;
  try {
    descriptor = fs.openSync(file, 'r');
  } catch {
    return '';
  }
  try {
    const { size } = fs.fstatSync(descriptor);
    const begin = Math.max(from, size - bytes);
    const buffer = Buffer.alloc(Math.max(0, size - begin));
    const read = fs.readSync(descriptor, buffer, 0, buffer.length, begin);
    return buffer.toString('utf8', 0, read);
  } finally {
    fs.closeSync(descriptor);
  }
}

/** The part of a file that is searched for its last lines. */
const tailBytes = 1 << 20;
const pollIntervalMs = 200;

/**
 * Writes the last lines of a file and, with `follow`, all that is appended until the signal. A file that became
 * shorter is read from its start.
 */
export async function followFile(
  file: string,
  { lines, follow }: { readonly lines: number; readonly follow?: boolean },
  write: (bytes: Buffer) => void,
  signal: AbortSignal,
): Promise<void> {
  let { at, bytes } = lastLines(file, lines);
  for (;;) {
    if (bytes.length > 0) write(bytes);
    if (!follow || signal.aborted) return;
    await new Promise((resolve) => setTimeout(resolve, pollIntervalMs));
    const size = fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    if (size < at) at = 0;
    bytes = read(file, at, size);
    at += bytes.length;
  }
}

function lastLines(file: string, count: number): { at: number; bytes: Buffer } {
  const size = fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const bytes = read(file, Math.max(0, size - tailBytes), size);
  let from = bytes.at(-1) === 0x0a ? bytes.length - 1 : bytes.length;
  for (let line = 0; line < count && from > 0; line++) from = bytes.lastIndexOf(0x0a, from - 1);
  return { at: size, bytes: bytes.subarray(from < 0 ? 0 : from + 1) };
}

function read(file: string, from: number, to: number): Buffer {
  if (to <= from) return Buffer.alloc(0);
  const descriptor = fs.openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(to - from);
    return bytes.subarray(0, fs.readSync(descriptor, bytes, 0, bytes.length, from));
  } finally {
    fs.closeSync(descriptor);
  }
}
