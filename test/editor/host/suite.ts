import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { format } from 'node:util';
import * as esbuild from 'esbuild';
import { launchBrowser } from './browser';
import { runInDesktop, type Desktop } from './desktop';
import { cache, project } from './places';
import { reportMark } from './report-mark';
import { Server } from './server';

export interface Suite {
  /** The folder of the tests. */
  readonly source: string;
  /** Fills the workspace folder. `home` is the DELIVER_HOME of the extension host. Returns more variables for it. */
  readonly prepare?: (workspace: string, home: string) => NodeJS.ProcessEnv | undefined;
  /** The window is in Restricted Mode. Otherwise all folders are trusted. */
  readonly isRestricted?: true;
}

const extensionTests: Suite = { source: path.join(project, 'test/editor/suite') };

/** Runs tests in the extension host of VS Code. Returns true if all passed. */
export async function runSuite(desktop: Desktop | undefined, env: NodeJS.ProcessEnv, suite = extensionTests): Promise<boolean> {
  const tests = await buildSuite(suite.source);
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'deliver-suite-'));
  const workspace = path.join(scratch, 'workspace');
  fs.mkdirSync(workspace);
  const home = path.join(scratch, 'home');
  const environment = { ...env, DELIVER_HOME: home, ...suite.prepare?.(workspace, home) };
  const trusts = suite.isRestricted !== true;
  try {
    return desktop
      ? await runInDesktop(desktop, workspace, tests, environment, trusts)
      : await runInServer(workspace, tests, environment, trusts);
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/** Builds the suite for the extension host. Returns the file that exports `run()`. */
async function buildSuite(source: string): Promise<string> {
  const outdir = path.join(cache, 'suite');
  fs.rmSync(outdir, { recursive: true, force: true });
  await esbuild.build({
    entryPoints: [
      path.join(extensionTests.source, 'index.ts'),
      ...fs
        .readdirSync(source)
        .filter((file) => file.endsWith('.test.ts'))
        .map((file) => path.join(source, file)),
    ],
    entryNames: '[name]',
    outdir,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['vscode', 'mocha'],
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  return path.join(outdir, 'index.js');
}

async function runInServer(workspace: string, tests: string, env: NodeJS.ProcessEnv, trusts: boolean): Promise<boolean> {
  const server = await Server.start({ env, endsWhenUnused: true, workspaceTrust: !trusts });
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    const log: string[] = [];
    await page.exposeFunction('codeAutomationLog', (_type: string, args: unknown[]) => {
      const line = format(...args);
      log.push(line);
      if (line.startsWith(reportMark)) console.log(line.slice(reportMark.length));
    });
    const exit = new Promise<number>((resolve) => {
      void page
        .exposeFunction('codeAutomationExit', (code: number) => resolve(code))
        .then(() => page.goto(server.address(workspace, tests)));
    });
    const code = await withTimeLimit(exit, 10 * 60_000);
    // If the tests did not start, the log of VS Code contains the reason.
    if (!log.some((line) => line.startsWith(reportMark))) console.log(log.join('\n'));
    return code === 0;
  } finally {
    await browser.close();
    await server.stop();
  }
}

async function withTimeLimit<T>(promise: Promise<T>, milliseconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`the tests did not end within ${milliseconds / 60_000} minutes`)), milliseconds);
  });
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}
