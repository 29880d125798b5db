import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { unpackSample } from '../../src/core/runner/sample';
import { buildProject } from './host/build';
import { findDesktop, openDesktop } from './host/desktop';
import { installServer, serverUnsupported } from './host/install';
import { endEverything } from './host/leftovers';
import { project } from './host/places';
import { Server } from './host/server';

const print = (line: string) => console.log(line);

/** Implements `npm start`: opens VS Code with the extension on a copy of the sample, until Ctrl-C or until the window closes. */
async function main(): Promise<void> {
  const interrupted = Promise.race(['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal)));
  await buildProject();
  const scratch = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'deliver-sample-')));
  const env = { DELIVER_HOME: path.join(scratch, 'home') };
  try {
    const sample = await unpackSample(path.join(scratch, 'shop'), path.join(project, 'media'));
    if (!sample.ok) throw new Error(sample.failure.message);
    print(`the sample: ${sample.value.folder} (a copy, removed at the end)`);
    await showUntil(interrupted, sample.value.folder, env);
  } finally {
    await endEverything(env.DELIVER_HOME);
    fs.rmSync(scratch, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

async function showUntil(interrupted: Promise<unknown>, folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  const desktop = await findDesktop();
  if ('executable' in desktop) {
    print(`VS Code: the desktop program (${desktop.origin}), ${desktop.executable}. Press Ctrl-C to stop.`);
    const window = openDesktop(desktop, folder, env);
    await Promise.race([interrupted, window.closed]);
    return window.close();
  }
  const unsupported = serverUnsupported();
  if (unsupported) throw new Error(`VS Code cannot be opened: ${desktop.reason}; ${unsupported}`);
  const { missing } = await installServer(print);
  for (const line of missing) print(`note: ${line}`);
  const server = await Server.start({ env });
  const link = await shortAddress(server.address(folder));
  print(`VS Code: the server from npm, because ${desktop.reason}. Press Ctrl-C to stop.`);
  print(`open in a browser: ${link.address}`);
  await interrupted;
  link.close();
  await server.stop();
}

/** Returns a short address that redirects to `target`. Its random path keeps other users of the machine out. */
async function shortAddress(target: string): Promise<{ readonly address: string; close(): void }> {
  const secret = `/${randomBytes(6).toString('hex')}`;
  const server = http.createServer((request, response) => {
    if (request.url === secret) response.writeHead(302, { location: target }).end();
    else response.writeHead(404).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}${secret}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
