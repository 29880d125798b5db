import * as fs from 'node:fs';
import * as path from 'node:path';
import { fail, ok, type Result } from '../model/result';
import type { EnvironmentDefinition } from '../model/pipeline';
import type { Environment } from './environment';
import type { EnvironmentStatus } from '../model/environment-status';
import { isProcess, processEnvironment } from './process/descriptor';
import { ProcessEnvironment } from './process/process-environment';
import { EnvironmentFiles, environmentNames, processStatus, readState } from './process/state-file';
import { RecordedEnvironment } from './recorded/recorded-environment';
import { recordedStatus, ServiceRecords } from './recorded/service-record';
import { isEmbedded } from './registry';

/**
 * Opens an environment of a pipeline, to deploy a service to it. `program` starts the command line, which supervises embedded
 * environments. Fails if an environment of another kind has this name.
 */
export function openEnvironment(
  name: string,
  service: string,
  definition: EnvironmentDefinition,
  home: string,
  program: readonly string[],
): Result<Environment> {
  const existing = kindOf(name, home);
  if (existing !== undefined && existing !== definition.kind)
    return fail(
      'usage',
      `delivery.yaml defines ${name} as ${definition.kind}, but an environment of this name and the kind ${existing} exists`,
      {
        hint: `choose another name, or remove the existing environment: deliver environment remove ${name}`,
      },
    );
  if (isProcess(definition)) return ok(new ProcessEnvironment(new EnvironmentFiles(home, name), program, definition.settings));
  return ok(new RecordedEnvironment(new ServiceRecords(home, name), definition.kind, new Map([[service, definition]])));
}

/** Opens an environment for everything but deploying. Returns undefined if nothing was ever deployed to it or observed in it. */
export function openKnownEnvironment(name: string, home: string, program: readonly string[]): Environment | undefined {
  const kind = kindOf(name, home);
  if (kind === undefined) return undefined;
  if (isEmbedded(kind)) return new ProcessEnvironment(new EnvironmentFiles(home, name), program);
  return new RecordedEnvironment(new ServiceRecords(home, name), kind);
}

/** Returns all environments, from their files alone: fast, and starts nothing. */
export function readEnvironments(home: string): EnvironmentStatus[] {
  return environmentNames(home).flatMap((name) => readEnvironment(name, home) ?? []);
}

function readEnvironment(name: string, home: string): EnvironmentStatus | undefined {
  const kind = kindOf(name, home);
  if (kind === undefined) return undefined;
  if (isEmbedded(kind)) {
    const files = new EnvironmentFiles(home, name);
    const state = readState(files);
    if (state) return processStatus(state, files);
    const failure = `${files.state} is damaged: the next delivery creates it again`;
    return { environment: name, kind, running: false, services: [], failure };
  }
  const records = new ServiceRecords(home, name);
  const services = recordedStatus(records);
  const { at, failure } = records.observation() ?? {};
  return {
    environment: name,
    kind,
    running: services.some(({ state }) => state !== 'stopped'),
    services,
    observedAt: at,
    failure,
  };
}

/** Returns the environments that Deliver does not run itself. */
export function recordedEnvironments(home: string): RecordedEnvironment[] {
  return environmentNames(home).flatMap((name) => {
    const kind = kindOf(name, home);
    return kind === undefined || isEmbedded(kind) ? [] : [new RecordedEnvironment(new ServiceRecords(home, name), kind)];
  });
}

/** Removes a stopped environment from the list, but keeps the feedback that customers gave there. */
export function forgetEnvironment(name: string, home: string): void {
  const { folder } = new EnvironmentFiles(home, name);
  for (const entry of fs.readdirSync(folder))
    if (entry !== '.feedback') fs.rmSync(path.join(folder, entry), { recursive: true, force: true });
}

/**
 * Returns whether a release is verified and live in an embedded environment. Always true for other kinds:
 * {@link RecordedEnvironment.recover} recovers them.
 */
export function isVerifiedAndLive(name: string, service: string, release: string, home: string): boolean {
  const kind = kindOf(name, home);
  if (kind === undefined || !isEmbedded(kind)) return true;
  const record = readState(new EnvironmentFiles(home, name))?.services.find((candidate) => candidate.service === service);
  return record?.current?.release.id === release && !record.unverified;
}

/** Returns the kind of the environment with this name, or undefined if nothing was ever deployed to it or observed in it. */
export function kindOf(name: string, home: string): string | undefined {
  if (fs.existsSync(new EnvironmentFiles(home, name).state)) return processEnvironment.kind;
  const records = new ServiceRecords(home, name);
  const [service] = records.services();
  try {
    const kind = service === undefined ? undefined : records.read(service)?.definition.kind;
    if (kind !== undefined) return kind;
  } catch {
    // The record is damaged. The observation names the kind, too.
  }
  return records.observation()?.kind;
}

/** Returns the checkouts of all releases that are live or can be rolled back to. They must not change. */
export function liveFolders(home: string): ReadonlySet<string> {
  const states = environmentNames(home).flatMap((name) => readState(new EnvironmentFiles(home, name)) ?? []);
  const embedded = states.flatMap((state) =>
    state.services.flatMap(({ current, earlier, ending = [] }) => [...(current ? [current] : []), ...earlier, ...ending]),
  );
  const recorded = environmentNames(home).flatMap((name) => new ServiceRecords(home, name).keptReleases());
  return new Set([...embedded, ...recorded].map((record) => record.slot));
}
