import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { Module } from 'node:module';
import * as os from 'node:os';
import * as path from 'node:path';
import { buildSync } from 'esbuild';

export interface Row {
  readonly what: string;
  readonly value: number;
  readonly bound: { readonly most: number; readonly unit: '×' | ' MB' | ' kB' | ' ms' | '' };
  readonly detail: string;
}

export interface Contender {
  readonly name: string;
  readonly command: readonly string[];
  readonly folder: string;
  readonly env?: Record<string, string>;
  /** Before each round, outside the measured time. */
  readonly prepare?: () => void;
}

export const cli = path.resolve(__dirname, '..', '..', 'dist', 'cli.js');
export const binaries = path.resolve(__dirname, '..', '..', 'node_modules', '.bin');

/** Median seconds of each contender, run in turn so that all see the same machine; one round warms up. */
export async function inTurn(contenders: readonly Contender[], rounds: number): Promise<Map<string, number>> {
  const times = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const contender of contenders) {
      contender.prepare?.();
      const seconds = await time(contender);
      if (round > 0) times.get(contender.name)?.push(seconds);
    }
  }
  return new Map([...times].map(([name, all]) => [name, median(all)]));
}

async function time({ command, folder, env, name }: Contender): Promise<number> {
  const [program = '', ...args] = command;
  const began = process.hrtime.bigint();
  const child = spawn(program, args, { cwd: folder, env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`${name} ended with ${String(code)}: ${stderr}`);
  return Number(process.hrtime.bigint() - began) / 1e9;
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

export function ms(seconds: number | undefined): string {
  return `${((seconds ?? NaN) * 1000).toFixed(0)} ms`;
}

/** Runs `use` in a folder that is gone afterwards. */
export async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'deliver-bench-')));
  try {
    return await use(folder);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

/** Parts of the core, bundled as they are for users: the loader of the bench makes functions slower. */
export function asShipped<T>(modules: readonly string[]): T {
  const core = path.resolve(__dirname, '..', '..', 'src', 'core');
  const contents = modules.map((module) => `export * from './${module}';`).join('\n');
  const { outputFiles } = buildSync({
    stdin: { contents, resolveDir: core },
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20',
    write: false,
  });
  const loaded = new Module(path.join(core, 'as-shipped.js'));
  loaded.paths = module.paths;
  (loaded as unknown as { _compile(code: string, file: string): void })._compile(outputFiles[0]?.text ?? '', loaded.id);
  return loaded.exports as T;
}
