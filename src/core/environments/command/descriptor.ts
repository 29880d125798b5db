import { milliseconds } from '../../support/format';
import { describeEnvironment } from '../descriptor';

/** Command lines for the shell. */
export interface CommandDefinition {
  readonly deploy: string;
  readonly status?: string;
  readonly rollback?: string;
  readonly logs?: string;
  readonly stop?: string;
  readonly env: Readonly<Record<string, string>>;
  readonly url?: string;
  readonly timeoutMs: number;
}

export const commandEnvironment = describeEnvironment({
  kind: 'command',
  schema: ({ z, describe, command, variables, address, duration }) =>
    z
      .strictObject({
        deploy: command.check(describe("Deploys the release, and exits when it is live. Runs in the service's folder of the checkout.")),
        status: z
          .optional(command)
          .check(describe('Exits with 0 while the service is healthy. Otherwise its last line of output is the reason.')),
        rollback: z
          .optional(command)
          .check(describe('Restores the release of DELIVERY_COMMIT. Default: `deploy` runs again, in the checkout of that release.')),
        logs: z.optional(command).check(describe("Prints the service's log.")),
        stop: z.optional(command).check(describe('Stops the service.')),
        env: z.optional(variables).check(describe('Environment variables for the commands.')),
        url: z.optional(address).check(describe('The address of the service in this environment.')),
        timeout: z.optional(duration).check(describe('The time limit for a release to become healthy. Default: 5m.')),
      })
      .check(describe('Runs with your own commands.')),
  parse: ({ env, timeout = '5m', ...settings }, reader): CommandDefinition => ({
    ...settings,
    env: reader.variables(env),
    timeoutMs: milliseconds(timeout),
  }),
  loadPlatforms: async () => {
    const { CommandPlatform } = await import('./command-platform');
    return { open: (settings, place) => new CommandPlatform(settings, place) };
  },
});
