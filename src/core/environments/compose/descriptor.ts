import type { HealthDefinition } from '../../model/pipeline';
import { describeEnvironment } from '../descriptor';

export interface ComposeDefinition {
  /** Paths or globs relative to the service's folder. Empty: the files that compose finds there. */
  readonly files: readonly string[];
  /** The compose service that is delivered, if `delivery.yaml` names it. */
  readonly service?: string;
  /** The port that the service listens on, inside its container. */
  readonly port?: number;
  readonly env: Readonly<Record<string, string>>;
  /** Absent: the container's own health check. */
  readonly health?: HealthDefinition;
}

export const composeEnvironment = describeEnvironment({
  kind: 'compose',
  runs: 'an image',
  schema: ({ z, describe, text, pathOrPaths, variables, health }) =>
    z
      .strictObject({
        file: z.optional(pathOrPaths).check(describe('The compose file or files. Default: what docker compose finds.')),
        service: z
          .optional(text)
          .check(
            describe('The compose service that is delivered. Default: the one named like the service, else the only one that is built.'),
          ),
        port: z.optional(z.int().check(z.gte(1), z.lte(65535))).check(describe('The port that it answers on, inside its container.')),
        env: z.optional(variables).check(describe('Environment variables for docker compose, which may stand in its files.')),
        health: z.optional(health).check(describe('When a release counts as healthy. Default: by the health check of its container.')),
      })
      .check(describe('Runs with docker compose, podman compose or docker-compose.')),
  parse: ({ file, service, port, env, health }, reader): ComposeDefinition => ({
    files: reader.list(file),
    service,
    port,
    env: reader.variables(env),
    health: health && reader.health(health),
  }),
  loadPlatforms: async () => {
    const { ComposePlatform, createProgramFinder } = await import('./compose-platform');
    // Found once for all platforms: the search takes longer than most calls.
    const programs = createProgramFinder();
    return { open: (settings, place) => new ComposePlatform(settings, place, programs) };
  },
});
