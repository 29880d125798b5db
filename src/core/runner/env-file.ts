import * as fs from 'node:fs';
import * as path from 'node:path';
import { parseEnv } from 'node:util';
import { isProcess } from '../environments/process/descriptor';
import { isOrdinary } from '../environments/variables';
import type { Pipeline } from '../model/pipeline';
import { fail, ok, type Result } from '../model/result';
import { definitionPath } from '../pipeline/read-pipeline';

/** The values of the variables that environments read from files of the working copy. They are kept in memory only. */
export class EnvFiles {
  private constructor(private readonly variables: ReadonlyMap<string, Readonly<Record<string, string>>>) {}

  /** Reads the `envFile` of each environment that the pipeline deploys to. `folder` is the service's folder, relative to `root`. */
  static read(pipeline: Pipeline, root: string, folder: string): Result<EnvFiles> {
    const found = new Map<string, Readonly<Record<string, string>>>();
    for (const { name, deploy } of pipeline.steps) {
      const definition = deploy === undefined ? undefined : pipeline.environments[deploy];
      if (deploy === undefined || !definition || !isProcess(definition) || definition.settings.envFile === undefined) continue;
      const { envFile, env } = definition.settings;
      try {
        const parsed = parseEnv(fs.readFileSync(path.join(root, folder, envFile), 'utf8'));
        // The environment's own variables are explicit, and the port is Deliver's.
        const own = Object.entries(parsed).filter(([variable]) => variable !== 'PORT' && !Object.hasOwn(env, variable));
        found.set(deploy, Object.fromEntries(own.map(([variable, value]) => [variable, value ?? ''])));
      } catch (error) {
        const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
        return fail('usage', `step ${name} needs the file ${envFile}, which ${missing ? 'is not in the working copy' : 'cannot be read'}`, {
          path: definitionPath(folder),
          hint: `create ${envFile} beside delivery.yaml, or remove \`envFile\` from ${deploy}`,
        });
      }
    }
    return ok(new EnvFiles(found));
  }

  /** Returns the variables for an environment. */
  of(environment: string): Readonly<Record<string, string>> {
    return this.variables.get(environment) ?? {};
  }

  /** Returns the values to mask, each with a key that no secret has. */
  get masked(): Record<string, string> {
    const all = [...this.variables].flatMap(([environment, variables]) =>
      Object.entries(variables).flatMap(([name, value]) => (isOrdinary(value) ? [] : [[`${environment}/${name}`, value] as const])),
    );
    return Object.fromEntries(all);
  }
}

/** Returns a remedy for a failed deployment of a service whose `.env` is not part of the release. */
export function envFileAdvice(
  pipeline: Pipeline,
  environment: string,
  around: { repository: string; slot: string; folder: string },
): string {
  const definition = pipeline.environments[environment];
  const file = '.env';
  const own = path.join(around.repository, path.relative(around.slot, around.folder), file);
  if (!definition || !isProcess(definition) || definition.settings.envFile !== undefined) return '';
  if (!fs.existsSync(own) || fs.existsSync(path.join(around.folder, file))) return '';
  return `. The release lacks the ${file} of the working copy, because git ignores it: add \`envFile: ${file}\` to \`process\``;
}
