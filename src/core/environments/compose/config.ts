import { createHash } from 'node:crypto';
import { parse } from 'yaml';
import { fail, ok, type Result } from '../../model/result';

/** The resolved compose files, as far as a delivery needs them. It contains no value of a variable. */
export interface ComposeConfig {
  readonly services: readonly ComposeService[];
}

export interface ComposeService {
  readonly name: string;
  /** A hash of the build section, the same in every checkout; absent: the image is not built. */
  readonly build?: string;
  readonly image?: string;
  readonly ports: readonly PublishedPort[];
  readonly exposed: readonly number[];
  /** Absent: compose's default network. */
  readonly networks?: readonly string[];
  /** `host`, `none` or another container: the service cannot join a network. */
  readonly networkMode?: string;
  readonly needs: readonly string[];
  readonly containerName?: string;
  /** The names of the variables that the file sets. */
  readonly variables: readonly string[];
  readonly hasLogging: boolean;
}

export interface PublishedPort {
  /** The port in the container. */
  readonly target: number;
  /** The port on the host; absent: a free one at each start. */
  readonly host?: number;
}

type Yaml = unknown;
type YamlMap = Readonly<Record<string, Yaml>>;

/** Reads the output of `compose config`, of any version of compose. Hashes do not depend on `folder` and `secrets`. */
export function readConfig(text: string, folder: string, secrets: Readonly<Record<string, string>> = {}): ComposeConfig {
  const services = mapOf(mapOf(parse(text) as Yaml)['services']);
  return { services: Object.entries(services).map(([name, service]) => readService(name, mapOf(service), folder, secrets)) };
}

function readService(name: string, service: YamlMap, folder: string, secrets: Readonly<Record<string, string>>): ComposeService {
  const { build, image, networks, network_mode: networkMode, container_name: containerName } = service;
  return {
    name,
    build: build === undefined || build === null ? undefined : hashOf(build, folder, secrets),
    image: typeof image === 'string' ? image : undefined,
    ports: listOf(service['ports']).flatMap((port) => readPort(port) ?? []),
    exposed: listOf(service['expose']).flatMap((port) => numberIn(port) ?? []),
    networks: networks === undefined || networks === null ? undefined : namesOf(networks),
    networkMode: typeof networkMode === 'string' && networkMode !== 'bridge' ? networkMode : undefined,
    needs: namesOf(service['depends_on']),
    containerName: typeof containerName === 'string' ? containerName : undefined,
    variables: namesOf(service['environment']).map((variable) => variable.split('=')[0] ?? ''),
    hasLogging: service['logging'] !== undefined && service['logging'] !== null,
  };
}

/** Reads `127.0.0.1:8080:80/tcp`, `80`, or the long form; the first port of a range. */
function readPort(port: Yaml): PublishedPort | undefined {
  if (typeof port === 'number') return { target: port };
  if (typeof port === 'string') {
    const [, host, target] = /^(?:(?:.*:)?(\d*)(?:-\d+)?:)?(\d+)(?:-\d+)?(?:\/tcp)?$/.exec(port) ?? [];
    return target === undefined ? undefined : { target: Number(target), ...(host && { host: Number(host) }) };
  }
  const { target, published, protocol = 'tcp' } = mapOf(port);
  const inside = numberIn(target);
  const host = numberIn(published);
  return inside === undefined || protocol !== 'tcp' ? undefined : { target: inside, ...(host && { host }) };
}

function hashOf(build: Yaml, folder: string, secrets: Readonly<Record<string, string>>): string {
  let text = JSON.stringify(build).replaceAll(JSON.stringify(folder).slice(1, -1), '.');
  for (const [name, value] of Object.entries(secrets)) if (value) text = text.replaceAll(JSON.stringify(value).slice(1, -1), `\${${name}}`);
  return createHash('sha256').update(text).digest('hex').slice(0, 10);
}

function numberIn(value: Yaml): number | undefined {
  const [digits] = /^\d+/.exec(String(value)) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

function mapOf(value: Yaml): YamlMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as YamlMap) : {};
}

function listOf(value: Yaml): readonly Yaml[] {
  return Array.isArray(value) ? value : [];
}

/** Returns the names in a section that may be a list or a map. */
function namesOf(value: Yaml): string[] {
  return Array.isArray(value) ? value.map(String) : Object.keys(mapOf(value));
}

/** Returns the compose service to deliver: the named one, else the one with the service's name, else the only one with a build section. */
export function chooseTarget({ services }: ComposeConfig, service: string, named: string | undefined): Result<ComposeService> {
  const available = services.map(({ name }) => name).join(', ');
  if (named !== undefined) {
    const target = services.find(({ name }) => name === named);
    return target ? ok(target) : fail('usage', `the compose file has no service ${named}`, { hint: `it has ${available}` });
  }
  const built = services.filter(({ build }) => build !== undefined);
  const target = services.find(({ name }) => name === service) ?? (built.length === 1 ? built[0] : undefined);
  if (target) return ok(target);
  return fail('usage', `it is not clear which service of the compose file ${service} is`, {
    hint: `name it in \`compose.service\`: it has ${available}`,
  });
}
