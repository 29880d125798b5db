import type { EnvironmentDefinition, HealthDefinition } from '../../model/pipeline';
import { describeEnvironment } from '../descriptor';

export interface ProcessDefinition {
  /** Run by the shell in the service's folder of the slot; gets `PORT`. */
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
  readonly health: HealthDefinition;
}

export const processEnvironment = describeEnvironment({
  kind: 'process',
  runs: 'files',
  schema: ({ z, describe, command, variables, health }) =>
    z
      .strictObject({
        command: command.check(describe('Starts the service and stays. It gets the port to listen on as PORT.')),
        env: z.optional(variables).check(describe('Environment variables for the command.')),
        health: z.optional(health),
      })
      .check(describe('Runs on this machine, with nothing to install.')),
  parse: ({ command, env, health }, reader): ProcessDefinition => ({
    command,
    env: reader.variables(env),
    health: reader.health(health),
  }),
});

export function isProcess(definition: EnvironmentDefinition): definition is EnvironmentDefinition<ProcessDefinition> {
  return definition.kind === processEnvironment.kind;
}
