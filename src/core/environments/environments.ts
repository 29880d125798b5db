import { fail, ok, type Result } from '../failure';
import type { EnvironmentDefinition } from '../pipeline/pipeline';
import { isAlive } from '../run/process-identity';
import type { Environment, ServiceStatus } from './environment';
import { ProcessEnvironment } from './process/process-environment';
import { EnvironmentFiles, environmentNames, readState, type EnvironmentState, type ServiceRecord } from './process/state-file';

/** What is live in an environment, as anyone may read it. */
export interface EnvironmentStatus {
  readonly environment: string;
  readonly kind: Environment['kind'];
  /** Whether its supervisor is up. */
  readonly running: boolean;
  readonly services: readonly ServiceStatus[];
}

/** An environment of a pipeline. `supervisor` is the command that starts one; the name is appended. */
export function openEnvironment(
  name: string,
  definition: EnvironmentDefinition,
  home: string,
  supervisor: readonly string[],
): Result<Environment> {
  switch (definition.kind) {
    case 'process':
      return ok(new ProcessEnvironment(new EnvironmentFiles(home, name), supervisor, definition.process));
    case 'compose':
    case 'kubernetes':
    case 'command':
      return fail('usage', `the environment ${name} is of the kind ${definition.kind}, which this version cannot deploy to`, {
        hint: 'use a process environment',
      });
  }
}

/** An environment that something was deployed to, for all but deploying; `undefined` where there is none. */
export function openKnownEnvironment(name: string, home: string, supervisor: readonly string[]): Environment | undefined {
  return environmentNames(home).includes(name) ? new ProcessEnvironment(new EnvironmentFiles(home, name), supervisor) : undefined;
}

/** All environments of the user, from their state files alone: quick, and starts nothing. */
export function readEnvironments(home: string): EnvironmentStatus[] {
  return environmentNames(home).flatMap((name) => {
    const state = readState(new EnvironmentFiles(home, name));
    return state ? [statusOf(state, new EnvironmentFiles(home, name))] : [];
  });
}

/** The checkouts of all releases that are live or may be brought back: they must stay as they are. */
export function liveFolders(home: string): ReadonlySet<string> {
  const states = environmentNames(home).flatMap((name) => readState(new EnvironmentFiles(home, name)) ?? []);
  const records = states.flatMap((state) => state.services.flatMap(({ current, earlier }) => [...(current ? [current] : []), ...earlier]));
  return new Set(records.map((record) => record.slot));
}

function statusOf(state: EnvironmentState, files: EnvironmentFiles): EnvironmentStatus {
  const running = state.supervisor !== undefined && isAlive(state.supervisor);
  // A port that was only promised to a service is no service yet.
  const deployed = state.services.filter(({ current, earlier }) => current !== undefined || earlier.length > 0);
  const reason = state.supervisor ? 'its supervisor is gone, perhaps with a restart of the machine' : 'the environment was stopped';
  return {
    environment: state.environment,
    kind: state.kind,
    running,
    services: deployed.map((record) => serviceStatus(record, files, running ? undefined : reason)),
  };
}

function serviceStatus(
  { service, port, state, reason, current, earlier }: ServiceRecord,
  files: EnvironmentFiles,
  down: string | undefined,
): ServiceStatus {
  const why = down ?? reason;
  return {
    service,
    state: down === undefined ? state : 'stopped',
    ...(why !== undefined && { reason: why }),
    url: `http://127.0.0.1:${port}`,
    ...(current && {
      release: current.release,
      log: files.releaseLog(service, current.release.id),
      artifact: { slot: current.slot, folder: current.folder },
    }),
    ...(earlier[0] && { previous: earlier[0].release, earlier: earlier.map(({ release }) => release) }),
  };
}
