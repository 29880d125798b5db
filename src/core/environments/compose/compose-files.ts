import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import picomatch from 'picomatch';
import { fail, ok, type Result } from '../../model/result';
import { writeAtomically } from '../../support/files';
import { isText, listOf, readCached, shape } from '../../support/record';
import { type ComposeConfig, readConfig } from './config';
import type { ComposeCall, ContainerEngine } from './engine';
import { configFailure } from './failures';

/** The default files of compose, in its order, and the override file of each. */
const defaultNames = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];
const overrideNames = (name: string): string[] => ['yml', 'yaml'].map((end) => `${name.replace(/\.ya?ml$/, '')}.override.${end}`);

/** Returns the compose files of a folder, relative to it: those that `files` (paths or globs) name, else compose's defaults. */
export function composeFiles(folder: string, files: readonly string[], environment: string): Result<string[]> {
  if (files.length === 0) return defaultFiles(folder);
  const all: string[] = [];
  for (const file of files) {
    const names = isGlob(file) ? matching(folder, file) : fs.existsSync(path.join(folder, file)) ? [file] : [];
    if (names.length === 0)
      return fail('usage', `the compose file of ${environment} is ${file}, which is not part of the change`, {
        hint: 'add it to git, or correct `compose.file`',
      });
    all.push(...names.filter((name) => !all.includes(name)));
  }
  return ok(all);
}

function defaultFiles(folder: string): Result<string[]> {
  const main = defaultNames.find((name) => fs.existsSync(path.join(folder, name)));
  if (main === undefined)
    return fail('usage', 'there is no compose file beside delivery.yaml', {
      hint: `compose looks for ${defaultNames.join(', ')}: add one, or name yours in \`compose.file\``,
    });
  const more = overrideNames(main).find((name) => fs.existsSync(path.join(folder, name)));
  return ok(more === undefined ? [main] : [main, more]);
}

function isGlob(file: string): boolean {
  return picomatch.scan(file).isGlob;
}

/** Sorted by name, so that the order of the merge is the same on every machine. */
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

/** The version of the cached {@link ComposeConfig}. Increase it when that type changes. */
const cacheVersion = 1;

export interface Resolution {
  readonly config: ComposeConfig;
  /** The `version` of the first file. */
  readonly version?: string;
}

/** Variables for compose that must not reach the cache. */
export interface UncachedVariables {
  readonly secrets: Readonly<Record<string, string>>;
  /** The user's other variables, any of which may be a secret. */
  readonly others?: Readonly<Record<string, string>>;
}

/**
 * Resolves the compose files. docker-compose v1 needs seconds for that, so the result is cached in `cacheFile` until one of its
 * inputs changes.
 */
export async function resolveFiles(
  engine: ContainerEngine,
  call: ComposeCall,
  uncached: UncachedVariables,
  cacheFile: string,
): Promise<Result<Resolution>> {
  const texts = call.files.map((file) => fs.readFileSync(path.join(call.folder, file), 'utf8'));
  const version = /^version\s*:\s*["']?([\d.]+)["']?\s*(?:#.*)?$/m.exec(texts[0] ?? '')?.[1];
  const key = keyOf(texts, call);
  const config = (key !== undefined && readCache(cacheFile, key)) || (await ask(engine, call, uncached));
  if ('ok' in config) return config;
  if (key !== undefined) writeAtomically(cacheFile, { key, config });
  return ok({ config, version });
}

async function ask(
  engine: ContainerEngine,
  call: ComposeCall,
  { secrets, others = {} }: UncachedVariables,
): Promise<ComposeConfig | Result<never>> {
  const end = await engine.compose(['config'], { ...call, env: { ...others, ...call.env, ...secrets } });
  if (end.ended === 'cancelled') return fail('cancelled', 'cancelled');
  return end.exitCode === 0 ? readConfig(end.stdout, call.folder, secrets) : configFailure(call.files, end);
}

function readCache(cacheFile: string, key: string): ComposeConfig | undefined {
  const isList = listOf(() => true);
  const isService = shape({ name: isText, ports: isList, exposed: isList, needs: isList, variables: isList });
  const isCache = shape({ key: isText, config: shape({ services: listOf(isService) }) });
  const kept = readCached<{ readonly key: string; readonly config: ComposeConfig }>(cacheFile, isCache);
  return kept?.key === key ? kept.config : undefined;
}

/**
 * Returns a hash of the inputs of the resolution, or undefined if the files refer to other files or to variables that are not part
 * of the delivery (a secret, or one of the user's own).
 */
function keyOf(texts: readonly string[], { folder, files, env }: ComposeCall): string | undefined {
  const text = texts.join('\n');
  if (/\b(include|extends|env_file)\b/.test(text) || fs.existsSync(path.join(folder, '.env'))) return undefined;
  const mentioned = new Set([...text.matchAll(/\$\{?([A-Za-z_]\w*)/g)].map(([, name]) => name ?? ''));
  if ([...mentioned].some((name) => env[name] === undefined)) return undefined;
  const values = [...mentioned].sort().map((name) => [name, env[name]]);
  return createHash('sha256')
    .update(JSON.stringify([cacheVersion, files, texts, values]))
    .digest('hex');
}
