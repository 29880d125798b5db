import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { downloadAndUnzipVSCode, runTests } from '@vscode/test-electron';
import { cache, project } from './places';

/** The desktop program that the tests run in. */
export interface Desktop {
  readonly executable: string;
  readonly origin: 'installed' | 'downloaded';
}

/** An installed VS Code, else a downloaded one; or why neither can be used here. */
export async function findDesktop(): Promise<Desktop | { readonly because: string }> {
  if (process.platform === 'linux' && !process.env['DISPLAY'] && !process.env['WAYLAND_DISPLAY']) return { because: 'there is no display' };
  const installed = [...executableOnPath(), ...installedExecutables()].find((file) => fs.existsSync(file));
  if (installed) return { executable: installed, origin: 'installed' };
  if (!(await downloadReachable())) return { because: 'VS Code is not installed and its download cannot be reached' };
  return { executable: await downloadAndUnzipVSCode({ version: 'stable', cachePath: path.join(cache, 'desktop') }), origin: 'downloaded' };
}

/** Runs the suite in it with settings and extensions of its own; whether all passed. */
export async function runInDesktop(desktop: Desktop, workspace: string, tests: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'deliver-desktop-'));
  try {
    const exit = await runTests({
      vscodeExecutablePath: desktop.executable,
      extensionDevelopmentPath: project,
      extensionTestsPath: tests,
      extensionTestsEnv: env,
      launchArgs: [workspace, '--disable-extensions', '--disable-workspace-trust', '--user-data-dir', profile],
    });
    return exit === 0;
  } catch {
    // What failed is in the report that the tests have printed.
    return false;
  } finally {
    fs.rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

/** Opens a window that uses no settings of the user; `close` ends the program and resolves when it is gone. */
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

/** The program that the shell command `code` belongs to. */
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
