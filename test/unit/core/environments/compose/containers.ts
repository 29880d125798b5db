import * as fs from 'node:fs';
import * as path from 'node:path';
import type { DeployRequest, Promoted } from '../../../../../src/core/environments/environment';
import { RecordedEnvironment } from '../../../../../src/core/environments/recorded/recorded-environment';
import { ServiceRecords } from '../../../../../src/core/environments/recorded/service-record';
import type { ComposeDefinition } from '../../../../../src/core/environments/compose/descriptor';
import { baseImage, testEngine } from '../../../../support/docker';
import { temporaryFolder } from '../../../../support/temporary';

export interface Wish {
  readonly service?: string;
  /** Files of the service beside its compose file and its Dockerfile; `null` leaves one of those out. */
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

/** Serves what lies in `www`, and ends when it is asked to. */
export const serve = "trap 'exit 0' TERM\nhttpd -f -p 80 -h /app/www &\nwait\n";

export const dockerfile = `FROM ${baseImage}\nWORKDIR /app\nCOPY . .\nCMD ["sh", "start.sh"]\n`;

/** An environment of containers on a real engine, in a home of its own; none of them is left after each test. */
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

  const definition = (compose: Wish['compose'] = {}): ComposeDefinition => ({
    files: [],
    port: 80,
    env: {},
    health: { probe: { http: '/' }, timeoutMs: 5_000 },
    ...compose,
  });
  const environment = (wish: Wish = {}) => {
    const records = new ServiceRecords(wish.home ?? folder.path, wish.environment ?? staging);
    const by = { kind: 'compose', watchMs: 0, settings: definition(wish.compose) };
    return new RecordedEnvironment(records, 'compose', new Map([[wish.service ?? 'shop', by]]));
  };
  const write = (wish: Wish, id: string): string => {
    const place = path.join(folder.path, id);
    const files: Wish['files'] = {
      'compose.yaml': `services:\n  ${wish.service ?? 'shop'}:\n    build: .\n`,
      Dockerfile: dockerfile,
      'start.sh': serve,
      'www/index.html': id,
      ...wish.files,
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
    /** A second environment. */
    other: () => engine.environment(),
    environment,
    /** A folder with the files of a service. */
    write: (wish: Wish = {}) => write(wish, `release-${++count}`),
    status: (service = 'shop', wish: Wish = {}) =>
      environment(wish)
        .status()
        .find((one) => one.service === service),
    check: async (wish: Wish = {}) => {
      const result = await environment(wish).check(wish.service ?? 'shop', write(wish, `release-${++count}`), new AbortController().signal);
      return result.ok ? undefined : [result.failure.message, result.failure.hint].filter((part) => part !== undefined).join('; ');
    },
    /** The containers of a service, by id. */
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

    async deploy(wish: Wish = {}) {
      const id = `release-${++count}`;
      const place = write(wish, id);
      const log: string[] = [];
      const service = wish.service ?? 'shop';
      const release = {
        id,
        commit: String(count).padStart(2, '0').repeat(20),
        tree: wish.tree ?? String(count).padStart(2, '0').repeat(20),
        deployedAt: new Date().toISOString(),
        subject: `It's $HOME, "${id}"`,
      };
      const request: DeployRequest = {
        service,
        release,
        folder: place,
        slot: place,
        siblings: [],
        secrets: wish.secrets ?? {},
        ...(wish.promotes && { promotes: wish.promotes }),
      };
      const result = await environment(wish).deploy(request, (line) => log.push(line), wish.signal ?? new AbortController().signal);
      if (result.ok) await environment(wish).settle(service, id);
      return {
        id,
        release,
        folder: place,
        log,
        result,
        url: result.ok ? result.value.url : '',
        why: result.ok ? undefined : result.failure.message,
      };
    },
  };
}

export async function get(url: string, file = '/'): Promise<string> {
  const response = await fetch(new URL(file, url));
  return response.text();
}
