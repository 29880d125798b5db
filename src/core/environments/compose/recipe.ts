import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Release } from '../../model/events';
import type { HealthDefinition } from '../../model/pipeline';
import { writeAtomically } from '../../support/files';
import { isObject, isRelease, isText, listOf, readCached, shape } from '../../support/record';
import { releaseLabel } from '../platform';
import type { ComposeConfig, ComposeService } from './config';
import { label, networkOf, projectOf } from './containers';

/**
 * The data that starts a release, now or later: the user's files in its checkout and Deliver's override. It contains the names of
 * secrets only: compose gets their values at each start.
 */
export interface Recipe {
  readonly release: Release;
  /** The service's folder in the checkout, and the compose files in it. */
  readonly folder: string;
  readonly files: readonly string[];
  readonly override: Override;
  /** The service of the compose file, and its dependencies. */
  readonly target: string;
  readonly needs: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
  readonly health?: HealthDefinition;
  /** The id of the image, once it is known. */
  readonly image?: string;
}

const isRecipe = shape({
  release: isRelease,
  folder: isText,
  files: listOf(isText),
  override: shape({ services: isObject, networks: isObject }),
  target: isText,
  needs: listOf(isText),
  env: isObject,
  secrets: listOf(isText),
});

/** The recipes of a service's releases in an environment, one file each. */
export class Recipes {
  constructor(private readonly folder: string) {}

  read(release: string): Recipe | undefined {
    // Delivered elsewhere, or damaged: the caller reports it.
    return readCached<Recipe>(this.file(release), isRecipe);
  }

  keep(recipe: Recipe): void {
    writeAtomically(this.file(recipe.release.id), recipe);
  }

  forget(release: string): void {
    fs.rmSync(this.file(release), { force: true });
  }

  /** Writes the override file for a call and returns its path. */
  writeOverride({ override }: Recipe): string {
    const file = path.join(this.folder, 'override.json');
    writeAtomically(file, override);
    return file;
  }

  private file(release: string): string {
    return path.join(this.folder, `${release}.recipe.json`);
  }
}

/** The override file that compose merges over the user's files. JSON is valid YAML. */
export interface Override {
  /** The `version` of the user's files: docker-compose v1 merges only files of the same version. */
  readonly version?: string;
  readonly services: Readonly<Record<string, ServiceOverride>>;
  readonly networks: Readonly<Record<string, { readonly external: true }>>;
}

export interface ServiceOverride {
  readonly image?: string;
  readonly container_name?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly networks?: Readonly<Record<string, { readonly aliases?: readonly string[] } | null>>;
  readonly ports?: readonly string[];
  readonly logging?: { readonly driver: string; readonly options: Readonly<Record<string, string>> };
}

export interface OverrideOptions {
  readonly environment: string;
  readonly service: string;
  readonly release: Release;
  readonly config: ComposeConfig;
  readonly target: ComposeService;
  /** The `version` of the user's first file. */
  readonly version?: string;
  /** Absent: the image that the file names. */
  readonly image?: string;
  /** Variables for the container. Variables that the file sets are not changed. */
  readonly variables: Readonly<Record<string, string>>;
  /** The service's port in its container. */
  readonly port?: number;
  /** The default log driver of the engine. */
  readonly logDriver?: string;
  /** The published address, like `127.0.0.1:20080`; absent: the file publishes the port. */
  readonly publish?: string;
}

/** The json-file driver has no limit by default and would fill the disk. */
const boundedLog = { driver: 'json-file', options: { 'max-size': '20m', 'max-file': '3' } };

/** Returns the override file of a release. It contains no secret. */
export function createOverride(options: OverrideOptions): Override {
  const { environment, service, config, target, version, image, port, publish } = options;
  const network = networkOf(environment);
  const joins = target.networkMode === undefined;
  // Docker limits the number of networks. The default network is only needed to reach dependencies.
  const isAlone = target.needs.length === 0 && target.networks === undefined && target.containerName === undefined;
  const variables = Object.entries(options.variables).filter(([name]) => !target.variables.includes(name));
  const delivered: ServiceOverride = {
    image,
    ...renamed(target, options),
    environment: escaped(Object.fromEntries(variables)),
    labels: escaped({
      [label.environment]: environment,
      [label.service]: service,
      [label.release]: releaseLabel(options.release),
      ...(port !== undefined && { [label.port]: String(port) }),
    }),
    networks: joins ? { ...(isAlone ? {} : ownNetworks(target)), [network]: { aliases: [service] } } : undefined,
    logging: !target.hasLogging && options.logDriver === boundedLog.driver ? boundedLog : undefined,
    ports: publish !== undefined && joins ? [`${publish}:${port}`] : undefined,
  };
  const others = config.services.filter((other) => other !== target && other.containerName !== undefined);
  return {
    ...(version !== undefined && { version }),
    services: {
      [target.name]: delivered,
      ...Object.fromEntries(others.map((other) => [other.name, renamed(other, options)] as const)),
    },
    networks: joins ? { [network]: { external: true } } : {},
  };
}

/**
 * Prefixes fixed container names, which exist only once on a machine and would conflict with other environments or a developer's own
 * containers. The service's network keeps the name as an alias.
 */
function renamed(service: ComposeService, { environment, service: delivered }: OverrideOptions): ServiceOverride {
  const { containerName, networkMode } = service;
  if (containerName === undefined) return {};
  return {
    container_name: `${projectOf({ environment, service: delivered })}_${containerName}`,
    ...(networkMode === undefined && { networks: ownNetworks(service) }),
  };
}

/** A service that names any network leaves the default one, unless it names that too. */
function ownNetworks({ networks = ['default'], containerName }: ComposeService): Record<string, { aliases: readonly string[] } | null> {
  return Object.fromEntries(networks.map((network) => [network, containerName === undefined ? null : { aliases: [containerName] }]));
}

/** Escapes `$`, which compose expands, and removes control characters, which YAML parsers reject. */
function escaped(values: Readonly<Record<string, string>>): Record<string, string> {
  const plain = (value: string): string =>
    value.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g, ' ').replaceAll('$', '$$$$');
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, plain(value)]));
}
