import * as fs from 'node:fs';
import * as path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { fail, ok, type Result } from '../../model/result';
import { wordList } from '../../support/format';
import type { CiPipeline } from '../ci-service';
import { isOwnCommand } from './jobs';

const hint = 'run npm pack in the Deliver repository, commit its file here, and name it: --package tools/deliver-VERSION.tgz';
const maxUnpackedBytes = 256 << 20;
const blockBytes = 512;

/**
 * Fails unless the jobs of these services find Deliver: in a file of `npm pack` in the repository, by its path from the root. A name is
 * no answer, because `deliver` is another project in the npm registry.
 */
export function checkPackedFile(root: string, file: string | undefined, services: readonly CiPipeline[]): Result<void> {
  const steps = services.flatMap(({ pipeline }) => pipeline.steps.filter((step) => !isOwnCommand(step)).map(({ name }) => name));
  if (file === undefined)
    return steps.length === 0
      ? ok(undefined)
      : fail('usage', `${wordList(steps, 'and')} ${steps.length === 1 ? 'runs' : 'run'} Deliver on CI, and its package is not known`, {
          hint,
        });
  const whole = path.resolve(root, file);
  // The head of an exported file names the package up to the next space.
  const isInside = /^[^\s`]+$/.test(file) && !path.isAbsolute(file) && whole.startsWith(`${path.resolve(root)}${path.sep}`);
  if (!isInside || !fs.statSync(whole, { throwIfNoEntry: false })?.isFile())
    return fail('usage', `there is no file ${file} in ${root}`, { hint });
  return packedName(whole) === 'deliver' ? ok(undefined) : fail('usage', `${file} does not contain Deliver`, { hint });
}

/** Returns the name of the package in a file of `npm pack`: a compressed tar archive (POSIX.1-1988, ustar). */
function packedName(file: string): unknown {
  try {
    const archive = gunzipSync(fs.readFileSync(file), { maxOutputLength: maxUnpackedBytes });
    for (let at = 0; at + blockBytes <= archive.length;) {
      const [name] = archive.toString('utf8', at, at + 100).split('\0', 1);
      const size = parseInt(archive.toString('latin1', at + 124, at + 136), 8);
      if (!name || Number.isNaN(size)) return undefined;
      const start = at + blockBytes;
      if (name === 'package/package.json')
        return (JSON.parse(archive.toString('utf8', start, start + size)) as { readonly name?: unknown } | null)?.name;
      at = start + Math.ceil(size / blockBytes) * blockBytes;
    }
  } catch {
    // Neither an archive nor JSON.
  }
  return undefined;
}
