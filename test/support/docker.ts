import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { eventually } from './temporary';

/** The base of the tests' images: a static busybox, so that nothing is downloaded. */
export const baseImage = 'deliver-test-base';

const busybox = ['/bin/busybox', '/usr/bin/busybox'].find((file) => fs.existsSync(file));
const tools = ['sh', 'httpd', 'wget', 'sleep', 'cat', 'echo', 'head', 'yes', 'env', 'kill', 'mkdir', 'nc', 'test', 'rm', 'gzip'];

export interface TestEngine {
  docker(...args: string[]): string;
  stop(): Promise<void>;
}

/** Starts a separate container engine. Returns the reason if this machine cannot run one. */
export async function startEngine(): Promise<TestEngine | { readonly unsupported: string }> {
  const unsupported = whyUnsupported();
  if (unsupported !== undefined) return { unsupported };
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'deliver-engine-')));
  const host = `unix://${path.join(folder, 'docker.sock')}`;
  const log = fs.openSync(path.join(folder, 'log'), 'w');
  const options = ['--host', host, '--data-root', path.join(folder, 'data'), '--exec-root', path.join(folder, 'exec')];
  const daemon = spawn('dockerd', [...options, '--bridge', 'none', '--pidfile', path.join(folder, 'pid')], { stdio: ['ignore', log, log] });
  fs.closeSync(log);
  const before = process.env['DOCKER_HOST'];
  process.env['DOCKER_HOST'] = host;
  const stop = async (): Promise<void> => {
    // dockerd leaves the bridges of its networks on the machine.
    const docker = (...args: string[]): string => spawnSync('docker', args, { encoding: 'utf8' }).stdout.trim();
    const ids = docker('ps', '--all', '--quiet').split('\n').filter(Boolean);
    if (ids.length > 0) docker('rm', '--force', '--volumes', ...ids);
    const networks = docker('network', 'ls', '--quiet', '--filter', 'driver=bridge').split('\n').filter(Boolean);
    if (before === undefined) delete process.env['DOCKER_HOST'];
    else process.env['DOCKER_HOST'] = before;
    await end(daemon);
    for (const id of networks) spawnSync('ip', ['link', 'delete', `br-${id}`], { stdio: 'ignore' });
    remove(folder);
  };
  try {
    await eventually('the engine answers', () => {
      if (daemon.exitCode !== null) throw new Error('dockerd has ended');
      return spawnSync('docker', ['version'], { stdio: 'ignore' }).status === 0;
    });
    importBase(folder);
  } catch {
    const lastLine = fs.readFileSync(path.join(folder, 'log'), 'utf8').trim().split('\n').at(-1) ?? '';
    await stop();
    return { unsupported: `dockerd does not run on this machine: ${lastLine}` };
  }
  return { docker: (...args) => execFileSync('docker', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }), stop };
}

/** Starts an engine for the tests of a `describe`. Without an engine they are skipped, with the reason. */
export function testEngine(): { docker(...args: string[]): string; environment(): string } {
  let engine: TestEngine | undefined;
  before(async function () {
    this.timeout(60_000);
    const started = await startEngine();
    if ('docker' in started) engine = started;
    else {
      console.log(`      skipped: ${started.unsupported}`);
      this.skip();
    }
  });
  after(async function () {
    this.timeout(60_000);
    await engine?.stop();
  });
  return {
    docker: (...args) => engine?.docker(...args) ?? '',
    /** Returns a unique name. */
    environment: () => `staging-${randomUUID().slice(0, 8)}`,
  };
}

function whyUnsupported(): string | undefined {
  if (process.platform !== 'linux') return 'the tests start dockerd, which runs on Linux';
  const missing = ['dockerd', 'docker'].find((program) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status !== 0);
  if (missing !== undefined) return `${missing} is not installed (Debian: docker.io)`;
  const compose = [['docker', 'compose', 'version'] as const, ['docker-compose', 'version'] as const];
  if (compose.every(([program, ...args]) => spawnSync(program, args, { stdio: 'ignore' }).status !== 0))
    return 'there is no docker compose and no docker-compose (Debian: docker-compose)';
  if (busybox === undefined || spawnSync('ldd', [busybox], { stdio: 'ignore' }).status === 0)
    return 'there is no static busybox to make images from (Debian: busybox-static)';
  if (process.getuid?.() !== 0) return 'dockerd needs root';
  // Two daemons would share the rules of one firewall.
  if (fs.existsSync('/var/run/docker.sock') && spawnSync('docker', ['version'], { stdio: 'ignore' }).status === 0)
    return 'another dockerd runs on this machine';
  return undefined;
}

function importBase(folder: string): void {
  const root = path.join(folder, 'base');
  for (const name of ['bin', 'etc', 'tmp']) fs.mkdirSync(path.join(root, name), { recursive: true });
  fs.copyFileSync(busybox ?? '', path.join(root, 'bin', 'busybox'));
  for (const tool of tools) fs.symlinkSync('busybox', path.join(root, 'bin', tool));
  const archive = execFileSync('tar', ['-C', root, '-c', '.'], { maxBuffer: 64 << 20 });
  execFileSync('docker', ['import', '-', baseImage], { input: archive, stdio: ['pipe', 'ignore', 'pipe'] });
}

async function end(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return;
  const gone = new Promise((resolve) => daemon.once('exit', resolve));
  daemon.kill('SIGTERM');
  await gone;
}

/** Mounts of the engine in its folder prevent its removal. */
function remove(folder: string): void {
  const mounts = fs
    .readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  for (const mount of mounts.filter((one) => one.startsWith(`${folder}/`)).reverse()) spawnSync('umount', [mount], { stdio: 'ignore' });
  fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
