import * as fs from 'node:fs';
import * as path from 'node:path';
import { fail, ok, type Result } from '../model/result';
import type { EnvironmentDefinition } from '../model/pipeline';
import type { Environment } from './environment';
import type { EnvironmentKind } from '../model/environment-status';
import type { EnvironmentStatus } from '../model/environment-status';
import { ProcessEnvironment } from './process/process-environment';
import { processStatus } from './process/state-file';
import { EnvironmentFiles, environmentNames, readState } from './process/state-file';
import { RecordedEnvironment } from './recorded/recorded-environment';
import { recordedStatus } from './recorded/service-record';
import { ServiceRecords } from './recorded/service-record';

/**
 * An environment of a pipeline, as a service is deployed to it. `program` is how the command line is
 * called, which supervises those of the embedded kind. Fails where another kind of environment has this name.
 */
export function openEnvironment(
  name: string,
  service: string,
  definition: EnvironmentDefinition,
  home: string,
  program: readonly string[],
): Result<Environment> {
  const there = kindOf(name, home);
  if (there !== undefined && there !== definition.kind)
    return fail(
      'usage',
      `the environment ${name} is of the kind ${definition.kind} here, and there is one of this name of the kind ${there}`,
      {
        hint: `give it another name, or remove what is there: deliver environment remove ${name}`,
      },
    );
  if (definition.kind === 'process') return ok(new ProcessEnvironment(new EnvironmentFiles(home, name), program, definition.process));
  return ok(new RecordedEnvironment(new ServiceRecords(home, name), definition.kind, new Map([[service, definition]])));
}

/** An environment that something was deployed to or seen in, for all but deploying; `undefined` where there is none. */
export function openKnownEnvironment(name: string, home: string, program: readonly string[]): Environment | undefined {
  const kind = kindOf(name, home);
  if (kind === undefined) return undefined;
  if (kind === 'process') return new ProcessEnvironment(new EnvironmentFiles(home, name), program);
  return new RecordedEnvironment(new ServiceRecords(home, name), kind);
}

/** All environments of the user, from their files alone: quick, and starts nothing. */
export function readEnvironments(home: string): EnvironmentStatus[] {
  return environmentNames(home).flatMap((name) => readEnvironment(name, home) ?? []);
}

function readEnvironment(name: string, home: string): EnvironmentStatus | undefined {
  const kind = kindOf(name, home);
  if (kind === undefined) return undefined;
  const files = new EnvironmentFiles(home, name);
  const state = kind === 'process' ? readState(files) : undefined;
  if (state) return processStatus(state, files);
  if (kind === 'process') {
    const failure = `${files.state} is damaged: the next delivery begins it anew`;
    return { environment: name, kind, running: false, services: [], failure };
  }
  const records = new ServiceRecords(home, name);
  const services = recordedStatus(records);
  const { at, failure } = records.observation() ?? {};
  return {
    environment: name,
    kind,
    running: services.some(({ state: health }) => health !== 'stopped'),
    services,
    ...(at !== undefined && { observedAt: at }),
    ...(failure !== undefined && { failure }),
  };
}

/** Those that something else runs. */
export function recordedEnvironments(home: string): RecordedEnvironment[] {
  return environmentNames(home).flatMap((name) => {
    const kind = kindOf(name, home);
    return kind === undefined || kind === 'process' ? [] : [new RecordedEnvironment(new ServiceRecords(home, name), kind)];
  });
}

/** Takes an environment that was stopped from the list; what customers said there is kept. */
export function forgetEnvironment(name: string, home: string): void {
  const { folder } = new EnvironmentFiles(home, name);
  for (const entry of fs.readdirSync(folder))
    if (entry !== '.feedback') fs.rmSync(path.join(folder, entry), { recursive: true, force: true });
}

/**
 * Whether a release is verified and live in an environment of the embedded kind. Of other kinds this says nothing (`true`):
 * they are recovered by {@link RecordedEnvironment.recover}.
 */
export function isVerifiedAndLive(name: string, service: string, release: string, home: string): boolean {
  if (kindOf(name, home) !== 'process') return true;
  const record = readState(new EnvironmentFiles(home, name))?.services.find((one) => one.service === service);
  return record?.current?.release.id === release && !record.unverified;
}

/** What kind of environment has a name; `undefined` where nothing was ever deployed to or seen in one. */
export function kindOf(name: string, home: string): EnvironmentKind | undefined {
  if (fs.existsSync(new EnvironmentFiles(home, name).state)) return 'process';
  const records = new ServiceRecords(home, name);
  const [service] = records.services();
  try {
    const kind = service === undefined ? undefined : records.read(service)?.definition.kind;
    if (kind) return kind;
  } catch {
    // Damaged: the others, or what was seen, tell it.
  }
  return records.observation()?.kind;
}

/** The checkouts of all releases that are live or may be brought back: they must stay as they are. */
export function liveFolders(home: string): ReadonlySet<string> {
  const states = environmentNames(home).flatMap((name) => readState(new EnvironmentFiles(home, name)) ?? []);
  const embedded = states.flatMap((state) => state.services.flatMap(({ current, earlier }) => [...(current ? [current] : []), ...earlier]));
  const recorded = environmentNames(home).flatMap((name) => new ServiceRecords(home, name).keptReleases());
  return new Set([...embedded, ...recorded].map((record) => record.slot));
}
