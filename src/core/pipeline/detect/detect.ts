import * as path from 'node:path';
import { fail, ok, type Result } from '../../model/result';
import { adoptPipelines, type AdoptedPipelines } from './adopt/adopt';
import type { LeftOver } from './adopt/adopted';
import { detectCompose, detectDockerfile, detectMake } from './wrappers';
import { type Found, type FoundServer, type FoundStep, ProjectFolder } from './project';
import { detectGo, detectGradle, detectMaven, detectRust } from './compiled';
import { detectNode } from './node';
import { detectPython } from './python';
import { written } from './written';

export interface Detected {
  readonly yaml: string;
  /** The tools and files that it was made from. */
  readonly found: readonly string[];
  /** The parts of existing CI files that were not converted. */
  readonly left: readonly LeftOver[];
}

/**
 * Writes a first `delivery.yaml` for a project: valid, and meant to pass unedited in a clean checkout. Existing CI files are
 * converted as far as possible. Fails if it finds no project that can be built.
 */
export async function detectPipeline(folder: string): Promise<Result<Detected>> {
  const project = new ProjectFolder(folder);
  const service = serviceName(folder);
  const languages = [detectNode, detectGo, detectPython, detectRust, detectMaven, detectGradle].map((detect) => detect(project));
  const general = [detectMake(project), detectDockerfile(project, service), detectCompose(project)];
  const all = [...languages, ...general].filter((one) => one !== undefined);
  const able = all.filter((one) => one.steps.length > 0);
  const specific = able.filter((one) => !one.general);
  // The tools of a language are more specific than their wrappers.
  const used = specific.length > 0 ? specific : able.slice(0, 1);
  const servers = used.flatMap((one) => (one.server ? [one.server] : []));
  const server = servers.length === 1 ? servers[0] : undefined;
  const adopted = adoptPipelines(folder);
  const taken = await fromPipelines(service, adopted, used, server);
  if (taken) return ok(taken);
  if (used.length === 0) {
    const message =
      all.length > 0 ? `${all.map((one) => one.label).join(', ')} found, but nothing to build or test` : 'nothing to deliver was found';
    const unread = adopted.left.filter(({ file }) => file === 'Jenkinsfile').map((one) => `${one.message}; `);
    return fail('usage', `${message} in ${folder}`, {
      hint: `${unread.join('')}write a delivery.yaml with your own step: \`steps: {test: {run: ./test.sh}}\``,
    });
  }
  const others = all.filter((one) => !used.includes(one));
  return ok({
    yaml: written(service, distinct(used), server, others, adopted.left),
    found: used.map((one) => one.label),
    left: adopted.left,
  });
}

/** Returns the converted CI files, or undefined if there are none. */
async function fromPipelines(
  service: string,
  { files, steps, left }: AdoptedPipelines,
  languages: readonly Found[],
  server: FoundServer | undefined,
): Promise<Detected | undefined> {
  if (steps.length === 0) return undefined;
  const known = languages.flatMap((one) => one.steps);
  const informed = steps.map((step) => {
    const same = known.find((other) => other.run === step.run);
    const { inputs, outputs } = same ?? {};
    return { ...(inputs && { inputs }), ...(outputs && { outputs }), ...step };
  });
  const yaml = written(service, informed, server, [], left);
  const { parsePipeline } = await import('../parse');
  // The result must be valid for any content of a CI file.
  return parsePipeline(yaml, 'delivery.yaml').errors.length === 0 ? { yaml, found: files, left } : undefined;
}

/** Returns the folder's name as a valid service name. */
function serviceName(folder: string): string {
  const name = path
    .basename(path.resolve(folder))
    .replace(/[^A-Za-z0-9_.-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '');
  return name.slice(0, 100) || 'service';
}

/** Returns the steps of all ecosystems. Duplicate names get the ecosystem as a prefix. */
function distinct(found: readonly Found[]): FoundStep[] {
  const count = new Map<string, number>();
  for (const { name } of found.flatMap((one) => one.steps)) count.set(name, (count.get(name) ?? 0) + 1);
  return found.flatMap(({ prefix, steps }) => {
    const renamed = (name: string): string => ((count.get(name) ?? 0) > 1 ? `${prefix}-${name}` : name);
    return steps.map((step) => ({ ...step, name: renamed(step.name), needs: (step.needs ?? []).map(renamed) }));
  });
}
