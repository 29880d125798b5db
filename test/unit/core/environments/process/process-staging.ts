import * as assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { DeployRequest } from '../../../../../src/core/environments/environment';
import { ProcessEnvironment } from '../../../../../src/core/environments/process/process-environment';
import { EnvironmentFiles, readState } from '../../../../../src/core/environments/process/state-file';
import type { ProcessDefinition } from '../../../../../src/core/environments/process/descriptor';
import type { HealthDefinition } from '../../../../../src/core/model/pipeline';
import { findProcesses } from '../../../../../src/core/process/descendants';
import { temporaryFolder } from '../../../../support/temporary';

export interface DeployOptions {
  readonly service?: string;
  readonly health?: Partial<HealthDefinition>;
  readonly env?: Record<string, string>;
  readonly secrets?: Record<string, string>;
  readonly siblings?: readonly string[];
  readonly owner?: DeployRequest['owner'];
  readonly claim?: DeployRequest['claim'];
  readonly journal?: string;
  readonly drainMs?: number;
  readonly shutdownMs?: number;
  readonly signal?: AbortSignal;
  /** Without it, the release is marked as verified at once. */
  readonly unverified?: true;
}

/** Returns an environment with a real supervisor and a separate home. Its processes are ended after each test. */
export function stagingEnvironment() {
  let count = 0;
  const files = () => new EnvironmentFiles(folder.path, 'staging');
  const root = path.resolve(__dirname, '../../../../..');
  const program = [process.execPath, '--import', pathToFileURL(require.resolve('tsx')).href, path.join(root, 'src/cli.ts')];
  const definition = (options: DeployOptions): ProcessDefinition => ({
    command: 'exec node server.js',
    env: options.env ?? {},
    health: { probe: { http: '/healthz' }, timeoutMs: 10_000, ...options.health },
    drainMs: options.drainMs,
    shutdownMs: options.shutdownMs,
  });
  const environment = (options: DeployOptions = {}) => new ProcessEnvironment(files(), program, definition(options));

  // The supervisor must stop before its folder is removed.
  afterEach(async () => {
    await environment().stop();
    assert.deepEqual(findProcesses({ run: files().lineage }), []);
  });
  const folder = temporaryFolder();

  return {
    environment,
    files,
    state: () => readState(files()),
    status: (service = 'shop') =>
      environment()
        .status()
        .find((one) => one.service === service),
    /** Returns all running processes of releases. */
    processes: () => findProcesses({ run: files().lineage }),

    /** Deploys the program `script`. */
    async deploy(script: string, options: DeployOptions = {}) {
      const id = `release-${++count}`;
      const place = path.join(folder.path, id);
      fs.mkdirSync(place);
      fs.writeFileSync(path.join(place, 'server.js'), script);
      const log: string[] = [];
      const service = options.service ?? 'shop';
      const result = await environment(options).deploy(
        {
          service,
          release: { id, commit: String(count).repeat(40), tree: 'f'.repeat(40), deployedAt: new Date().toISOString() },
          folder: place,
          slot: place,
          siblings: options.siblings ?? [],
          secrets: options.secrets ?? {},
          owner: options.owner,
          claim: options.claim,
          journal: options.journal,
        },
        (line) => log.push(line),
        options.signal ?? new AbortController().signal,
      );
      if (!result.ok && result.failure.kind === 'machinery') throw new Error(result.failure.message);
      if (result.ok && !options.unverified) await environment().settle(service, id);
      return { id, folder: place, log, result, url: result.ok ? result.value.url : '' };
    },
  };
}

/** Returns a program that responds to every request with `text`. */
export function answering(text: string): string {
  return serving(`response.end(${JSON.stringify(text)})`);
}

/** Returns a program whose request handler is `body`, with `request` and `response` in scope. */
export function serving(body: string): string {
  return `require('node:http').createServer((request, response) => { ${body} }).listen(process.env.PORT, '127.0.0.1');`;
}

export async function get(url: string): Promise<string> {
  const response = await fetch(url);
  return response.text();
}
