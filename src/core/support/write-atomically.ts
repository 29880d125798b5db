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
