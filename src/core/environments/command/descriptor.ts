import { milliseconds } from '../../support/duration';
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
        deploy: command.check(describe("Deploys the release and ends when it is live. It runs in the service's folder of the checkout.")),
        status: z
          .optional(command)
          .check(describe('Exits with 0 while the service is healthy; else the last line that it prints says why it is not.')),
        rollback: z
          .optional(command)
          .check(describe('Brings the release back that DELIVERY_COMMIT names. Default: `deploy` again, in the checkout of that release.')),
        logs: z.optional(command).check(describe("Prints the service's log.")),
        stop: z.optional(command).check(describe('Ends the service.')),
        env: z.optional(variables).check(describe('Environment variables for the commands.')),
        url: z.optional(address).check(describe('The address of the service in this environment.')),
        timeout: z.optional(duration).check(describe('How long a release may take to become healthy. Default: 5m.')),
      })
      .check(describe('Runs by your own commands.')),
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
