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

export interface Wish {
  readonly service?: string;
  readonly health?: Partial<HealthDefinition>;
  readonly env?: Record<string, string>;
  readonly secrets?: Record<string, string>;
  readonly siblings?: readonly string[];
  readonly owner?: DeployRequest['owner'];
  readonly signal?: AbortSignal;
  /** Without it, the deployment is settled at once. */
  readonly unsettled?: true;
}

/** An environment with a real supervisor, in a home of its own; nothing of it is left after each test. */
export function stagingEnvironment() {
  let count = 0;
  const files = () => new EnvironmentFiles(folder.path, 'staging');
  const root = path.resolve(__dirname, '../../../../..');
  const program = [process.execPath, '--import', pathToFileURL(require.resolve('tsx')).href, path.join(root, 'src/cli.ts')];
  const definition = (wish: Wish): ProcessDefinition => ({
    command: 'exec node server.js',
    env: wish.env ?? {},
    health: { probe: { http: '/healthz' }, timeoutMs: 10_000, ...wish.health },
  });
  const environment = (wish: Wish = {}) => new ProcessEnvironment(files(), program, definition(wish));

  // Before the folder is removed: without it nobody would find the supervisor.
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
    /** All processes of releases that run now. */
    processes: () => findProcesses({ run: files().lineage }),

    /** Deploys a program: what is written in `script`, with `answer` bound to what each request gets. */
    async deploy(script: string, wish: Wish = {}) {
      const id = `release-${++count}`;
      const place = path.join(folder.path, id);
      fs.mkdirSync(place);
      fs.writeFileSync(path.join(place, 'server.js'), script);
      const log: string[] = [];
      const service = wish.service ?? 'shop';
      const result = await environment(wish).deploy(
        {
          service,
          release: { id, commit: String(count).repeat(40), tree: 'f'.repeat(40), deployedAt: new Date().toISOString() },
          folder: place,
          slot: place,
          siblings: wish.siblings ?? [],
          secrets: wish.secrets ?? {},
          ...(wish.owner && { owner: wish.owner }),
        },
        (line) => log.push(line),
        wish.signal ?? new AbortController().signal,
      );
      if (!result.ok && result.failure.kind === 'machinery') throw new Error(result.failure.message);
      if (result.ok && !wish.unsettled) await environment().settle(service, id);
      return { id, folder: place, log, result, url: result.ok ? result.value.url : '' };
    },
  };
}

/** A program that answers `text` to everything. */
export function answering(text: string): string {
  return serving(`response.end(${JSON.stringify(text)})`);
}

/** A program that answers with `body`, statements over `request` and `response`. */
export function serving(body: string): string {
  return `require('node:http').createServer((request, response) => { ${body} }).listen(process.env.PORT, '127.0.0.1');`;
}

export async function get(url: string): Promise<string> {
  const response = await fetch(url);
  return response.text();
}
