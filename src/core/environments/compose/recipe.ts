import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Release } from '../../model/events';
import type { HealthDefinition } from '../../model/pipeline';
import { writeAtomically } from '../../support/write-atomically';
import { releaseLabel } from '../platform';
import type { ComposeConfig, ComposeService } from './config';
import { label, networkOf, projectOf } from './containers';

/**
 * How a release is brought up, now and again: the user's files as they lie in its checkout, and Deliver's own over them. Values of
 * secrets are not in it, only their names: compose gets them anew each time.
 */
export interface Recipe {
  readonly release: Release;
  /** The service's folder in the checkout, and the compose files in it. */
  readonly folder: string;
  readonly files: readonly string[];
  readonly override: Override;
  /** The service of the compose file, and those that it needs. */
  readonly target: string;
  readonly needs: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
  readonly health?: HealthDefinition;
  /** The image's id, as soon as it is known. */
  readonly image?: string;
}

/** The recipes of a service's releases in an environment, a file each. */
export class Recipes {
  constructor(private readonly folder: string) {}

  read(release: string): Recipe | undefined {
    try {
      return JSON.parse(fs.readFileSync(this.file(release), 'utf8')) as Recipe;
    } catch {
      return undefined; // it was made elsewhere, or is damaged: whoever needs it says so
    }
  }

  keep(recipe: Recipe): void {
    writeAtomically(this.file(recipe.release.id), recipe);
  }

  forget(release: string): void {
    fs.rmSync(this.file(release), { force: true });
  }

  /** Writes Deliver's own compose file for a call; answers where. */
  writeOverride({ override }: Recipe): string {
    const file = path.join(this.folder, 'override.json');
    writeAtomically(file, override);
    return file;
  }

  private file(release: string): string {
    return path.join(this.folder, `${release}.recipe.json`);
  }
}

/** A compose file of Deliver's own, which is merged over the user's. JSON, and thereby YAML. */
export interface Override {
  /** As in the user's files: the older compose merges only files of one version. */
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
  /** Absent: the one that the file names. */
  readonly image?: string;
  /** For the container; what the file sets itself stays as it is. */
  readonly variables: Readonly<Record<string, string>>;
  /** The port that the service answers on, inside its container. */
  readonly port?: number;
  /** What the engine keeps logs with by itself. */
  readonly logDriver?: string;
  /** Where to publish it, like `127.0.0.1:20080`; absent: the file does. */
  readonly publish?: string;
}

/** By itself the engine keeps all that a service ever said, until the disk is full. */
const boundedLog = { driver: 'json-file', options: { 'max-size': '20m', 'max-file': '3' } };

/** What is said over the user's files, so that they need not know of Deliver. It holds no secret. */
export function createOverride(options: OverrideOptions): Override {
  const { environment, service, config, target, version, image, port, publish } = options;
  const network = networkOf(environment);
  const joins = target.networkMode === undefined;
  // Networks are few: one of its own is only needed to meet others in it.
  const isAlone = target.needs.length === 0 && target.networks === undefined && target.containerName === undefined;
  const variables = Object.entries(options.variables).filter(([name]) => !target.variables.includes(name));
  const delivered: ServiceOverride = {
    ...(image !== undefined && { image }),
    ...renamed(target, options),
    environment: escaped(Object.fromEntries(variables)),
    labels: escaped({
      [label.environment]: environment,
      [label.service]: service,
      [label.release]: releaseLabel(options.release),
      ...(port !== undefined && { [label.port]: String(port) }),
    }),
    ...(joins && { networks: { ...(isAlone ? {} : ownNetworks(target)), [network]: { aliases: [service] } } }),
    ...(!target.hasLogging && options.logDriver === boundedLog.driver && { logging: boundedLog }),
    ...(publish !== undefined && joins && { ports: [`${publish}:${port}`] }),
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
 * A name that is fixed in the file is there once on the machine: in another environment, or beside what a developer
 * runs, it would be taken. Its own network still knows it by that name.
 */
function renamed(service: ComposeService, { environment, service: delivered }: OverrideOptions): ServiceOverride {
  const { containerName, networkMode } = service;
  if (containerName === undefined) return {};
  return {
    container_name: `${projectOf({ environment, service: delivered })}_${containerName}`,
    ...(networkMode === undefined && { networks: ownNetworks(service) }),
  };
}

/** To name one network is to leave the default one, unless that is named too. */
function ownNetworks({ networks = ['default'], containerName }: ComposeService): Record<string, { aliases: readonly string[] } | null> {
  return Object.fromEntries(networks.map((network) => [network, containerName === undefined ? null : { aliases: [containerName] }]));
}

/** Compose replaces `$NAME` in everything that it reads; and a YAML reader stumbles over control characters. */
function escaped(values: Readonly<Record<string, string>>): Record<string, string> {
  const plain = (value: string): string =>
    value.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g, ' ').replaceAll('$', '$$$$');
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, plain(value)]));
}
