import type { EnvironmentDefinition, HealthDefinition } from '../../model/pipeline';
import { milliseconds } from '../../support/format';
import { describeEnvironment } from '../descriptor';

export interface ProcessDefinition {
  /** Run by the shell in the service's folder of the slot; gets `PORT`. */
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
  /** A file of the working copy with more variables, relative to the service's folder. It is read at each deployment. */
  readonly envFile?: string;
  readonly health: HealthDefinition;
  /** How long requests in progress may take after a switch. Absent in records of earlier versions. */
  readonly drainMs?: number;
  /** The time between TERM and KILL. Absent in records of earlier versions. */
  readonly shutdownMs?: number;
}

export const defaultDrainMs = 60_000;
export const defaultShutdownMs = 30_000;

export const processEnvironment = describeEnvironment({
  kind: 'process',
  runs: 'files',
  schema: ({ z, describe, command, variables, health, path, duration }) =>
    z
      .strictObject({
        command: command.check(describe('Starts the service and keeps running. PORT contains the port to listen on.')),
        env: z.optional(variables).check(describe('Environment variables for the command.')),
        envFile: z
          .optional(path)
          .check(
            describe('A file with more variables, such as .env. It is read from the working copy at each deployment, and masked in logs.'),
          ),
        health: z.optional(health),
        drain: z
          .optional(duration)
          .check(describe('The time that requests in progress have to finish on the old release after a switch. Default: 60s.')),
        shutdown: z
          .optional(duration)
          .check(describe('The time that the command has to end after SIGTERM. Then it is killed. Default: 30s.')),
      })
      .check(describe('Runs on this machine, with nothing to install.')),
  parse: ({ command, env, envFile, health, drain = '60s', shutdown = '30s' }, reader): ProcessDefinition => ({
    command,
    env: reader.variables(env),
    ...(envFile !== undefined && { envFile }),
    health: reader.health(health),
    drainMs: milliseconds(drain),
    shutdownMs: milliseconds(shutdown),
  }),
});

export function isProcess(definition: EnvironmentDefinition): definition is EnvironmentDefinition<ProcessDefinition> {
  return definition.kind === processEnvironment.kind;
}
