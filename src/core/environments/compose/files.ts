import * as fs from 'node:fs';
import * as path from 'node:path';
import picomatch from 'picomatch';
import { fail, ok, type Result } from '../../model/result';

/** What compose finds by itself, in its order, and what it adds to each. */
const found = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];
const withOverride = (name: string): string[] => ['yml', 'yaml'].map((end) => `${name.replace(/\.ya?ml$/, '')}.override.${end}`);

/** The compose files of a folder, relative to it: those that `files` (paths or globs) name, else what compose finds. */
export function composeFiles(folder: string, files: readonly string[], environment: string): Result<string[]> {
  if (files.length === 0) return defaultFiles(folder);
  const all: string[] = [];
  for (const file of files) {
    const names = isGlob(file) ? matching(folder, file) : fs.existsSync(path.join(folder, file)) ? [file] : [];
    if (names.length === 0)
      return fail('usage', `${environment} is deployed to by ${file}, which is not part of the change`, {
        hint: 'is it ignored by git? Add it, or name the right one in `compose.file`',
      });
    all.push(...names.filter((name) => !all.includes(name)));
  }
  return ok(all);
}

function defaultFiles(folder: string): Result<string[]> {
  const main = found.find((name) => fs.existsSync(path.join(folder, name)));
  if (main === undefined)
    return fail('usage', 'there is no compose file beside delivery.yaml', {
      hint: `compose looks for ${found.join(', ')}: add one, or name yours in \`compose.file\``,
    });
  const more = withOverride(main).find((name) => fs.existsSync(path.join(folder, name)));
  return ok(more === undefined ? [main] : [main, more]);
}

function isGlob(file: string): boolean {
  return picomatch.scan(file).isGlob;
}

/** By name, so that the same files are merged in the same order everywhere. */
function matching(folder: string, glob: string): string[] {
  const { base } = picomatch.scan(glob);
  const matches = picomatch(glob);
  const below = (name: string): string[] =>
    fs.readdirSync(path.join(folder, name), { withFileTypes: true }).flatMap((entry) => {
      const inner = path.posix.join(name, entry.name);
      if (entry.isDirectory()) return entry.name === 'node_modules' || entry.name === '.git' ? [] : below(inner);
      return matches(inner) ? [inner] : [];
    });
  return fs.existsSync(path.join(folder, base)) ? below(base).sort() : [];
}
