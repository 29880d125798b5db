import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { findDesktop, type Desktop } from './editor/host/desktop';
import { browserUnsupported } from './editor/host/browser';
import { installServer, serverUnsupported } from './editor/host/install';
import { project } from './editor/host/places';
import { runSuite } from './editor/host/suite';
import { restrictedTests } from './editor/restricted/hostile-folder';
import { sum, totalsVariable, type Totals, type TotalsByFile } from './totals';

/** Thrown by a part that this machine cannot do. */
class Skip extends Error {}

interface Part {
  readonly name: string;
  run(totals: string): Promise<boolean>;
}

/** Most tests wait for a program more than they compute. */
const filesAtOnce = Math.max(2, os.availableParallelism());
const modules = path.join(project, 'node_modules');

const parts: readonly Part[] = [
  {
    name: 'lint',
    run: () =>
      all(
        node('eslint/bin/eslint.js', '--max-warnings', '0', '.'),
        node('prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.'),
      ),
  },
  { name: 'types', run: () => node('typescript/bin/tsc', '--noEmit') },
  { name: 'build', run: () => command(process.execPath, ['esbuild.js', '--production']) },
  { name: 'unit tests', run: (totals) => mocha(['test/unit/**/*.test.ts'], totals, filesAtOnce) },
  { name: 'command tests', run: (totals) => mocha(['test/command/**/*.test.ts'], totals, filesAtOnce + 1) },
  { name: 'tests in the extension host', run: extensionHostTests },
  { name: 'tests of the window', run: windowTests },
];

async function extensionHostTests(totals: string): Promise<boolean> {
  const desktop = await findDesktop();
  if ('executable' in desktop) {
    console.log(`VS Code: the desktop program (${desktop.origin}), ${desktop.executable}`);
    return runSuites(desktop, totals);
  }
  console.log(`VS Code: the server from npm, because ${desktop.reason}`);
  await prepareServer();
  return runSuites(undefined, totals);
}

async function runSuites(desktop: Desktop | undefined, totals: string): Promise<boolean> {
  const inTrusted = await runSuite(desktop, { [totalsVariable]: totals });
  const counted = readFiles(totals);
  const inRestricted = await runSuite(desktop, { [totalsVariable]: totals }, restrictedTests);
  fs.writeFileSync(totals, JSON.stringify({ ...counted, ...readFiles(totals) }));
  return inTrusted && inRestricted;
}

async function windowTests(totals: string): Promise<boolean> {
  await prepareServer();
  if (await mocha(['test/editor/window/**/*.test.ts'], totals, filesAtOnce)) return true;
  return onceMoreAlone(totals);
}

/**
 * A window is drawn by programs that are not ours, on a machine that may be slow: the files that failed are run once more,
 * one after another, and it is said. What fails again has failed.
 */
async function onceMoreAlone(totals: string): Promise<boolean> {
  const first = readFiles(totals);
  const failed = Object.keys(first).filter((file) => file !== '' && first[file]!.failed > 0);
  if (failed.length === 0) return false;
  console.log(`\nonce more, alone:\n${failed.map((file) => `  ${path.relative(project, file)}`).join('\n')}`);
  const passed = await mocha(failed, totals);
  fs.writeFileSync(totals, JSON.stringify({ ...first, ...readFiles(totals) }));
  if (passed) console.log(`flaky: passed alone, but not at first: ${failed.map((file) => path.basename(file)).join(', ')}`);
  return passed;
}

async function prepareServer(): Promise<void> {
  const unsupported = serverUnsupported() ?? browserUnsupported();
  if (unsupported) throw new Skip(unsupported);
  const { missing } = await installServer((line) => console.log(line));
  for (const line of missing) console.log(`note: ${line}`);
}

/** Runs files with tests, that many at once. */
function mocha(files: readonly string[], totals: string, atOnce = 1): Promise<boolean> {
  const parallel = atOnce > 1 ? ['--parallel', '--jobs', String(atOnce)] : [];
  const args = ['--reporter', 'test/totals.ts', ...parallel, ...files];
  return command(process.execPath, [path.join(modules, 'mocha/bin/mocha.js'), ...args], { [totalsVariable]: totals });
}

async function all(...checks: Promise<boolean>[]): Promise<boolean> {
  return (await Promise.all(checks)).every(Boolean);
}

function node(script: string, ...args: string[]): Promise<boolean> {
  return command(process.execPath, [path.join(modules, script), ...args]);
}

function command(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: project, stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } });
    child.on('error', reject);
    child.on('close', (code) => resolve(code === 0));
  });
}

/** Runs one part; what is no mocha run counts as failed once when it fails, and as nothing when it passes. */
async function runPart(part: Part, scratch: string): Promise<Totals> {
  const file = path.join(scratch, `${part.name}.json`);
  try {
    const passed = await part.run(file);
    const totals = readTotals(file);
    return passed || totals.failed > 0 ? totals : { ...totals, failed: totals.failed + 1 };
  } catch (error) {
    if (error instanceof Skip) {
      console.log(`skipped: ${part.name}, because ${error.message}`);
      return { passed: 0, failed: 0, skipped: 1 };
    }
    console.error(error);
    return { ...readTotals(file), failed: readTotals(file).failed + 1 };
  }
}

function readTotals(file: string): Totals {
  return sum(Object.values(readFiles(file)));
}

function readFiles(file: string): TotalsByFile {
  return fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, 'utf8')) as TotalsByFile) : {};
}

/** `npm test [PART…]`: all parts, or those whose name contains one of the words given. */
async function main(): Promise<void> {
  const words = process.argv.slice(2);
  const chosen = parts.filter((part) => words.length === 0 || words.some((word) => part.name.includes(word)));
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'deliver-test-'));
  const sums: Totals[] = [];
  let failedPart: string | undefined;
  for (const part of chosen) {
    if (failedPart) {
      console.log(`skipped: ${part.name}, because ${failedPart} failed`);
      sums.push({ passed: 0, failed: 0, skipped: 1 });
      continue;
    }
    const start = Date.now();
    console.log(`\n— ${part.name}`);
    const totals = await runPart(part, scratch);
    if (totals.failed > 0) failedPart = part.name;
    console.log(`${part.name}: ${totals.failed > 0 ? 'failed' : 'done'} in ${((Date.now() - start) / 1000).toFixed(1)} s`);
    sums.push(totals);
  }
  fs.rmSync(scratch, { recursive: true, force: true });
  const { passed, failed, skipped } = sum(sums);
  console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
  process.exitCode = failed > 0 ? 1 : 0;
}

void main();
