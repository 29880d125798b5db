import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { pipeline } from 'node:stream/promises';
import * as zlib from 'node:zlib';
import { chromium as playwright, type Browser } from 'playwright-core';
import * as places from './places';

const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts an installed Chrome or Chromium, or else the one from npm, in headless mode. */
export async function launchBrowser(print: (line: string) => void = () => undefined): Promise<Browser> {
  const installed = installedBrowser();
  if (installed) {
    print(`browser: ${installed}`);
    return playwright.launch({ executablePath: installed, args: quiet });
  }
  const executable = await unpackChromium();
  print(`browser: ${path.relative(places.project, executable)}`);
  return playwright.launch({ executablePath: executable, args: quiet, env: { ...definedEnvironment(), ...unpackedEnvironment() } });
}

/** Returns the reason why no browser can be started on this machine, if any. */
export function browserUnsupported(): string | undefined {
  if (installedBrowser() || process.arch === 'x64') return undefined;
  return 'no Chrome or Chromium is installed, and npm has none for this platform';
}

function installedBrowser(): string | undefined {
  const named = process.env['CHROME_PATH'];
  if (named && fs.existsSync(named)) return named;
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  const names = ['google-chrome', 'google-chrome-stable', 'chromium', 'chromium-browser'];
  return names.flatMap((name) => folders.map((folder) => path.join(folder, name))).find((file) => fs.existsSync(file));
}

/** Unpacks Chromium beside its final place and then moves it, so that no process starts an incomplete browser. */
async function unpackChromium(): Promise<string> {
  const executable = path.join(places.chromium, 'chromium');
  if (fs.existsSync(executable)) return executable;
  const draft = `${places.chromium}.${process.pid}`;
  fs.mkdirSync(draft, { recursive: true });
  try {
    await unbrotli('chromium.br', path.join(draft, 'chromium'));
    fs.chmodSync(path.join(draft, 'chromium'), 0o755);
    for (const archive of ['al2023.tar', 'fonts.tar', 'swiftshader.tar']) {
      const file = path.join(draft, archive);
      await unbrotli(`${archive}.br`, file);
      execFileSync('tar', ['-xf', file, '--no-same-owner', '-C', draft]);
      fs.rmSync(file);
    }
    fs.renameSync(draft, places.chromium);
  } catch (error) {
    fs.rmSync(draft, { recursive: true, force: true });
    if (!fs.existsSync(executable)) throw error;
  }
  return executable;
}

async function unbrotli(name: string, target: string): Promise<void> {
  const source = fs.createReadStream(path.join(places.server.chromium, name));
  await pipeline(source, zlib.createBrotliDecompress(), fs.createWriteStream(target));
}

/** Returns the paths of libnss3, libnspr4, libexpat and fonts in the package, which a minimal system lacks. */
function unpackedEnvironment(): Record<string, string> {
  const libraries = [path.join(places.chromium, 'lib'), process.env['LD_LIBRARY_PATH']].filter(Boolean).join(path.delimiter);
  const fonts: Record<string, string> = fs.existsSync('/etc/fonts/fonts.conf') ? {} : { FONTCONFIG_PATH: places.chromium };
  return { LD_LIBRARY_PATH: libraries, ...fonts };
}

function definedEnvironment(): Record<string, string> {
  return Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
