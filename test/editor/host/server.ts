import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import * as readline from 'node:readline';
import * as places from './places';

export interface ServerOptions {
  /** Added to the environment of the extension host. */
  readonly env: NodeJS.ProcessEnv;
  /** Turns on workspace trust. Otherwise all folders are trusted. */
  readonly workspaceTrust?: boolean;
  /** Ends the server some minutes after its last window closed, for tests that are killed. */
  readonly endsWhenUnused?: boolean;
}

const quietSettings: Readonly<Record<string, unknown>> = {
  'files.autoSave': 'off',
  'workbench.startupEditor': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.tips.enabled': false,
  'chat.disableAIFeatures': true,
  'extensions.ignoreRecommendations': true,
  'security.workspace.trust.untrustedFiles': 'open',
  'security.workspace.trust.startupPrompt': 'never',
};

/** A VS Code server that loads this project as an extension under development. */
export class Server {
  private constructor(
    private readonly port: number,
    private readonly token: string,
    private readonly data: string,
    private readonly process: ChildProcess,
  ) {}

  /** Resolves when the server listens. Throws its output if it ends before that. */
  static async start(options: ServerOptions): Promise<Server> {
    const data = fs.mkdtempSync(path.join(os.tmpdir(), 'deliver-vscode-'));
    const token = randomBytes(16).toString('hex');
    const args = [
      path.join(places.server.product, 'out/server-main.js'),
      ...['--host', '127.0.0.1', '--port', '0', '--connection-token', token, '--accept-server-license-terms'],
      ...['--enable-smoke-test-driver', '--server-data-dir', data, '--telemetry-level', 'off'],
      ...(options.workspaceTrust ? [] : ['--disable-workspace-trust']),
      ...(options.endsWhenUnused ? ['--enable-remote-auto-shutdown'] : []),
    ];
    writeSettings(data, quietSettings);
    const child = spawn(path.join(places.server.node, 'bin/node'), args, {
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    try {
      return new Server(await listeningPort(child), token, data, child);
    } catch (error) {
      fs.rmSync(data, { recursive: true, force: true });
      throw error;
    }
  }

  /** Returns the address of a window on `folder`. With `tests`, the `run()` of that file is executed in the extension host. */
  address(folder: string | undefined, tests?: string): string {
    const remote = (file: string) => `vscode-remote://127.0.0.1:${this.port}${file}`;
    const payload = [['extensionDevelopmentPath', remote(places.project)]];
    if (tests) payload.push(['extensionTestsPath', remote(tests)]);
    const query = new URLSearchParams({ tkn: this.token, ...(folder ? { folder } : { ew: 'true' }), payload: JSON.stringify(payload) });
    return `http://127.0.0.1:${this.port}/?${query.toString()}`;
  }

  /** Changes the settings of all windows. */
  set(settings: Readonly<Record<string, unknown>>): void {
    writeSettings(this.data, { ...quietSettings, ...settings });
  }

  async stop(): Promise<void> {
    await ended(this.process);
    fs.rmSync(this.data, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

function writeSettings(data: string, settings: Readonly<Record<string, unknown>>): void {
  const folder = path.join(data, 'data/Machine');
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'settings.json'), JSON.stringify(settings));
}

function listeningPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let output = '';
    child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the VS Code server ended with ${code}:\n${output}`)));
    if (child.stdout)
      readline.createInterface(child.stdout).on('line', (line) => {
        output += `${line}\n`;
        const port = /listening on (\d+)/.exec(line)?.[1];
        if (port) resolve(Number(port));
      });
  });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), 5000);
  await exit;
  clearTimeout(force);
}
