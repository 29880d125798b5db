import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { downloadAndUnzipVSCode, runTests } from '@vscode/test-electron';
import { cache, project } from './places';

export interface Desktop {
  readonly executable: string;
  readonly origin: 'installed' | 'downloaded';
}

/** Returns an installed VS Code, or else a downloaded one, or the reason why there is none. */
export async function findDesktop(): Promise<Desktop | { readonly reason: string }> {
  if (process.platform === 'linux' && !process.env['DISPLAY'] && !process.env['WAYLAND_DISPLAY'])
    return { reason: 'the machine has no display' };
  const installed = [...executableOnPath(), ...installedExecutables()].find((file) => fs.existsSync(file));
  if (installed) return { executable: installed, origin: 'installed' };
  if (!(await downloadReachable())) return { reason: 'VS Code is not installed and its download cannot be reached' };
  return { executable: await downloadAndUnzipVSCode({ version: 'stable', cachePath: path.join(cache, 'desktop') }), origin: 'downloaded' };
}

/** Runs the suite in VS Code with an empty profile. Returns true if all tests passed. */
export async function runInDesktop(
  desktop: Desktop,
  workspace: string,
  tests: string,
  env: NodeJS.ProcessEnv,
  trusts: boolean,
): Promise<boolean> {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'deliver-desktop-'));
  fs.mkdirSync(path.join(profile, 'User'));
  fs.writeFileSync(path.join(profile, 'User/settings.json'), JSON.stringify({ 'security.workspace.trust.startupPrompt': 'never' }));
  try {
    const exit = await runTests({
      vscodeExecutablePath: desktop.executable,
      extensionDevelopmentPath: project,
      extensionTestsPath: tests,
      extensionTestsEnv: env,
      launchArgs: [workspace, '--disable-extensions', ...(trusts ? ['--disable-workspace-trust'] : []), '--user-data-dir', profile],
    });
    return exit === 0;
  } catch {
    // The tests have printed their failures.
    return false;
  } finally {
    fs.rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

/** Opens a window with an empty profile. `close` ends VS Code and resolves after its exit. */
export function openDesktop(
  desktop: Desktop,
  folder: string,
  env: NodeJS.ProcessEnv,
): { readonly closed: Promise<void>; close(): Promise<void> } {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'deliver-desktop-'));
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const args = [folder, `--extensionDevelopmentPath=${project}`, '--user-data-dir', profile, '--disable-workspace-trust', ...sandbox];
  const child = spawn(desktop.executable, args, { env: { ...process.env, ...env }, stdio: 'ignore' });
  const closed = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => {
      fs.rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
      resolve();
    });
  });
  return {
    closed,
    close: () => {
      child.kill();
      return closed;
    },
  };
}

function installedExecutables(): string[] {
  switch (process.platform) {
    case 'darwin':
      return ['/Applications', path.join(os.homedir(), 'Applications')].map((folder) =>
        path.join(folder, 'Visual Studio Code.app/Contents/MacOS/Electron'),
      );
    case 'win32':
      return [process.env['LOCALAPPDATA'] && path.join(process.env['LOCALAPPDATA'], 'Programs'), process.env['ProgramFiles']]
        .filter((folder): folder is string => Boolean(folder))
        .map((folder) => path.join(folder, 'Microsoft VS Code/Code.exe'));
    default:
      return ['/usr/share/code/code', '/usr/share/codium/codium', '/opt/visual-studio-code/code', '/snap/code/current/usr/share/code/code'];
  }
}

/** Returns the program of the shell command `code`. */
function executableOnPath(): string[] {
  const [command, executable] =
    process.platform === 'win32'
      ? ['code.cmd', '../../Code.exe']
      : process.platform === 'darwin'
        ? ['code', '../../../../MacOS/Electron']
        : ['code', '../../code'];
  return (process.env['PATH'] ?? '')
    .split(path.delimiter)
    .map((folder) => path.join(folder, command))
    .filter((file) => fs.existsSync(file))
    .map((file) => path.resolve(fs.realpathSync(file), executable));
}

async function downloadReachable(): Promise<boolean> {
  try {
    const response = await fetch('https://update.code.visualstudio.com/api/releases/stable', { signal: AbortSignal.timeout(5000) });
    return response.ok;
  } catch {
    return false;
  }
}
