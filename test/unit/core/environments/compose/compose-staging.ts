import * as fs from 'node:fs';
import * as path from 'node:path';
import type { DeployRequest, Promoted } from '../../../../../src/core/environments/environment';
import { RecordedEnvironment } from '../../../../../src/core/environments/recorded/recorded-environment';
import { ServiceRecords } from '../../../../../src/core/environments/recorded/service-record';
import type { ComposeDefinition } from '../../../../../src/core/environments/compose/descriptor';
import { baseImage, testEngine } from '../../../../support/docker';
import { temporaryFolder } from '../../../../support/temporary';

export interface DeployOptions {
  readonly service?: string;
  /** Files of the service in addition to its compose file and Dockerfile; `null` leaves out one of those. */
  readonly files?: Readonly<Record<string, string | null>>;
  readonly compose?: Partial<ComposeDefinition>;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly promotes?: Promoted;
  readonly signal?: AbortSignal;
  readonly environment?: string;
  /** The snapshot; absent: a new one. */
  readonly tree?: string;
  readonly home?: string;
}

/** Serves the files in `www` and exits on SIGTERM. */
export const serve = "trap 'exit 0' TERM\nhttpd -f -p 80 -h /app/www &\nwait\n";

export const dockerfile = `FROM ${baseImage}\nWORKDIR /app\nCOPY . .\nCMD ["sh", "start.sh"]\n`;

/** Returns a compose environment on a real engine, with a separate home. Its containers are removed after each test. */
export function containerEnvironment() {
  let count = 0;
  const engine = testEngine();
  let staging = '';
  beforeEach(() => (staging = engine.environment()));
  afterEach(() => {
    const ids = engine.docker('ps', '--all', '--quiet').split('\n').filter(Boolean);
    if (ids.length > 0) engine.docker('rm', '--force', '--volumes', ...ids);
    engine.docker('network', 'prune', '--force');
  });
  const folder = temporaryFolder();

  const definition = (compose: DeployOptions['compose'] = {}): ComposeDefinition => ({
    files: [],
    port: 80,
    env: {},
    health: { probe: { http: '/' }, timeoutMs: 5_000 },
    ...compose,
  });
  const environment = (options: DeployOptions = {}) => {
    const records = new ServiceRecords(options.home ?? folder.path, options.environment ?? staging);
    const by = { kind: 'compose', watchMs: 0, settings: definition(options.compose) };
    return new RecordedEnvironment(records, 'compose', new Map([[options.service ?? 'shop', by]]));
  };
  const write = (options: DeployOptions, id: string): string => {
    const place = path.join(folder.path, id);
    const files: DeployOptions['files'] = {
      'compose.yaml': `services:\n  ${options.service ?? 'shop'}:\n    build: .\n`,
      Dockerfile: dockerfile,
      'start.sh': serve,
      'www/index.html': id,
      ...options.files,
    };
    for (const [name, text] of Object.entries(files)) {
      if (text === null) continue;
      fs.mkdirSync(path.dirname(path.join(place, name)), { recursive: true });
      fs.writeFileSync(path.join(place, name), text);
    }
    return place;
  };

  return {
    ...engine,
    get name(): string {
      return staging;
    },
    get home(): string {
      return folder.path;
    },
    /** Returns the name of another environment. */
    other: () => engine.environment(),
    environment,
    /** Writes the files of a service to a new folder and returns it. */
    write: (options: DeployOptions = {}) => write(options, `release-${++count}`),
    status: (service = 'shop', options: DeployOptions = {}) =>
      environment(options)
        .status()
        .find((one) => one.service === service),
    check: async (options: DeployOptions = {}) => {
      const result = await environment(options).check(
        options.service ?? 'shop',
        write(options, `release-${++count}`),
        new AbortController().signal,
      );
      return result.ok ? undefined : [result.failure.message, result.failure.hint].filter((part) => part !== undefined).join('; ');
    },
    /** Returns the ids of a service's containers. */
    containers: (service = 'shop', name = staging) =>
      engine
        .docker(
          'ps',
          '--quiet',
          '--no-trunc',
          '--filter',
          `label=dev.deliver.environment=${name}`,
          '--filter',
          `label=dev.deliver.service=${service}`,
        )
        .split('\n')
        .filter(Boolean),

    async deploy(options: DeployOptions = {}) {
      const id = `release-${++count}`;
      const place = write(options, id);
      const log: string[] = [];
      const service = options.service ?? 'shop';
      const release = {
        id,
        commit: String(count).padStart(2, '0').repeat(20),
        tree: options.tree ?? String(count).padStart(2, '0').repeat(20),
        deployedAt: new Date().toISOString(),
        subject: `It's $HOME, "${id}"`,
      };
      const request: DeployRequest = {
        service,
        release,
        folder: place,
        slot: place,
        siblings: [],
        secrets: options.secrets ?? {},
        ...(options.promotes && { promotes: options.promotes }),
      };
      const result = await environment(options).deploy(request, (line) => log.push(line), options.signal ?? new AbortController().signal);
      if (result.ok) await environment(options).settle(service, id);
      return {
        id,
        release,
        folder: place,
        log,
        result,
        url: result.ok ? result.value.url : '',
        problem: result.ok ? undefined : result.failure.message,
      };
    },
  };
}

export async function get(url: string, file = '/'): Promise<string> {
  const response = await fetch(new URL(file, url));
  return response.text();
}
