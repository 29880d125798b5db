import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { fail, ok, type Result } from '../../model/result';
import { writeAtomically } from '../../support/files';
import type { ComposeCall, Engine } from './engine';
import { whyInvalid } from './explain';
import { readConfig, type ComposeConfig } from './config';

/** Changes when {@link ComposeConfig} does: what an older version wrote down is resolved anew. */
const shape = 1;

export interface Resolution {
  readonly config: ComposeConfig;
  /** The `version` that the first file names. */
  readonly version?: string;
}

/** Variables that compose gets, and of which nothing is remembered. */
export interface Hidden {
  readonly secrets: Readonly<Record<string, string>>;
  /** What may turn out to be a secret of the delivery. */
  readonly others?: Readonly<Record<string, string>>;
}

/**
 * Asks compose what its files mean. The older one takes longer to start than many a service, so what it said is remembered in `memory`
 * for as long as nothing that it depends on can have changed.
 */
export async function resolveFiles(engine: Engine, call: ComposeCall, hidden: Hidden, memory: string): Promise<Result<Resolution>> {
  const texts = call.files.map((file) => fs.readFileSync(path.join(call.folder, file), 'utf8'));
  const version = /^version\s*:\s*["']?([\d.]+)["']?\s*(?:#.*)?$/m.exec(texts[0] ?? '')?.[1];
  const key = keyOf(texts, call);
  const config = (key !== undefined && recall(memory, key)) || (await ask(engine, call, hidden));
  if ('ok' in config) return config;
  if (key !== undefined) writeAtomically(memory, { key, config });
  return ok({ config, ...(version !== undefined && { version }) });
}

async function ask(engine: Engine, call: ComposeCall, { secrets, others = {} }: Hidden): Promise<ComposeConfig | Result<never>> {
  const end = await engine.compose(['config'], { ...call, env: { ...others, ...call.env, ...secrets } });
  if (end.ended === 'cancelled') return fail('cancelled', 'cancelled');
  return end.exitCode === 0 ? readConfig(end.stdout, call.folder, secrets) : whyInvalid(call.files, end);
}

function recall(memory: string, key: string): ComposeConfig | undefined {
  try {
    const kept = JSON.parse(fs.readFileSync(memory, 'utf8')) as { key: string; config: ComposeConfig };
    return kept.key === key ? kept.config : undefined;
  } catch {
    return undefined; // nothing was remembered, or it is torn
  }
}

/**
 * What the answer depends on, where that is all known here: `undefined` where the files lead to others, or use a variable
 * that is not of the delivery (a secret, or one of the user's).
 */
function keyOf(texts: readonly string[], { folder, files, env }: ComposeCall): string | undefined {
  const text = texts.join('\n');
  if (/\b(include|extends|env_file)\b/.test(text) || fs.existsSync(path.join(folder, '.env'))) return undefined;
  const mentioned = new Set([...text.matchAll(/\$\{?([A-Za-z_]\w*)/g)].map(([, name]) => name ?? ''));
  if ([...mentioned].some((name) => env[name] === undefined)) return undefined;
  const values = [...mentioned].sort().map((name) => [name, env[name]]);
  return createHash('sha256')
    .update(JSON.stringify([shape, files, texts, values]))
    .digest('hex');
}
