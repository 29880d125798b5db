import * as fs from 'node:fs';

/** The last bytes of a file, but none before `from`; empty where it cannot be read. */
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
