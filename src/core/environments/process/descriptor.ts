import type { EnvironmentDefinition, HealthDefinition } from '../../model/pipeline';
import { describeEnvironment } from '../descriptor';

export interface ProcessDefinition {
  /** Run by the shell in the service's folder of the slot; gets `PORT`. */
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
  /** A file of the working copy with more variables, relative to the service's folder. It is read at each deployment. */
  readonly envFile?: string;
  readonly health: HealthDefinition;
}

export const processEnvironment = describeEnvironment({
  kind: 'process',
  runs: 'files',
  schema: ({ z, describe, command, variables, health, path }) =>
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
      })
      .check(describe('Runs on this machine, with nothing to install.')),
  parse: ({ command, env, envFile, health }, reader): ProcessDefinition => ({
    command,
    env: reader.variables(env),
    ...(envFile !== undefined && { envFile }),
    health: reader.health(health),
  }),
});

export function isProcess(definition: EnvironmentDefinition): definition is EnvironmentDefinition<ProcessDefinition> {
  return definition.kind === processEnvironment.kind;
}
