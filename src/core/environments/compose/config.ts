import { createHash } from 'node:crypto';
import { parse } from 'yaml';
import { fail, ok, type Result } from '../../model/result';

/** What compose makes of its files, as far as a delivery needs it: no value of a variable is in it. */
export interface ComposeConfig {
  readonly services: readonly ComposeService[];
}

export interface ComposeService {
  readonly name: string;
  /** What its image is built from, as a hash that is the same in every checkout; absent: it is not built. */
  readonly build?: string;
  /** As the file names it. */
  readonly image?: string;
  readonly ports: readonly PublishedPort[];
  readonly exposed: readonly number[];
  /** Absent: compose's default network. */
  readonly networks?: readonly string[];
  /** `host`, `none` or that of another container: it can join no network. */
  readonly networkMode?: string;
  readonly needs: readonly string[];
  readonly containerName?: string;
  /** The names of the variables that it is given. */
  readonly variables: readonly string[];
  readonly hasLogging: boolean;
}

export interface PublishedPort {
  /** Inside the container. */
  readonly target: number;
  /** On the host; absent: whichever is free each time. */
  readonly host?: number;
}

type Yaml = unknown;
type YamlMap = Readonly<Record<string, Yaml>>;

/** Reads what `compose config` printed: YAML of any version of compose. `folder` and `secrets` are kept out of what is hashed. */
export function readConfig(text: string, folder: string, secrets: Readonly<Record<string, string>> = {}): ComposeConfig {
  const services = mapOf(mapOf(parse(text) as Yaml)['services']);
  return { services: Object.entries(services).map(([name, service]) => readService(name, mapOf(service), folder, secrets)) };
}

function readService(name: string, service: YamlMap, folder: string, secrets: Readonly<Record<string, string>>): ComposeService {
  const { build, image, networks, network_mode: networkMode, container_name: containerName } = service;
  return {
    name,
    ...(build !== undefined && build !== null && { build: hashOf(build, folder, secrets) }),
    ...(typeof image === 'string' && { image }),
    ports: listOf(service['ports']).flatMap((port) => readPort(port) ?? []),
    exposed: listOf(service['expose']).flatMap((port) => numberIn(port) ?? []),
    ...(networks !== undefined && networks !== null && { networks: namesOf(networks) }),
    ...(typeof networkMode === 'string' && networkMode !== 'bridge' && { networkMode }),
    needs: namesOf(service['depends_on']),
    ...(typeof containerName === 'string' && { containerName }),
    variables: namesOf(service['environment']).map((variable) => variable.split('=')[0] ?? ''),
    hasLogging: service['logging'] !== undefined && service['logging'] !== null,
  };
}

/** `127.0.0.1:8080:80/tcp`, `80`, or the long form. Of a range, the first. */
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

/** The names of what compose takes as a list as well as a map. */
function namesOf(value: Yaml): string[] {
  return Array.isArray(value) ? value.map(String) : Object.keys(mapOf(value));
}

/** The compose service that is delivered: the one that is named, else the one named like the service, else the only one that is built. */
export function chooseTarget({ services }: ComposeConfig, service: string, named: string | undefined): Result<ComposeService> {
  const there = services.map(({ name }) => name).join(', ');
  if (named !== undefined) {
    const target = services.find(({ name }) => name === named);
    return target ? ok(target) : fail('usage', `the compose file has no service ${named}`, { hint: `it has ${there}` });
  }
  const built = services.filter(({ build }) => build !== undefined);
  const target = services.find(({ name }) => name === service) ?? (built.length === 1 ? built[0] : undefined);
  if (target) return ok(target);
  return fail('usage', `it is not clear which service of the compose file is ${service}`, {
    hint: `name it in \`compose.service\`: it has ${there}`,
  });
}
