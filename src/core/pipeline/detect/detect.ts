import * as path from 'node:path';
import { fail, ok, type Result } from '../../model/result';
import { type AdoptedPipelines, adoptPipelines } from './adopt/adopt';
import type { LeftOver } from './adopt/adopted';
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

/** Detects make: targets with common names, or else the default target. */
export function detectMake(project: ProjectFolder): Found | undefined {
  const file = project.first('GNUmakefile', 'makefile', 'Makefile');
  if (file === undefined) return undefined;
  const targets = new Set(
    [...project.text(file).matchAll(/^([A-Za-z0-9][\w .-]*?)\s*::?(?!=)/gm)].flatMap((match) => (match[1] ?? '').split(/\s+/)),
  );
  const target = (...names: string[]): string | undefined => names.find((name) => targets.has(name));
  const build = target('build', 'all');
  const test = target('test', 'check', 'tests');
  const lint = target('lint');
  const steps: FoundStep[] = [
    { name: 'build', run: build === undefined ? 'make' : `make ${build}` },
    ...(lint === undefined ? [] : [{ name: 'lint', run: `make ${lint}`, needs: ['build'] }]),
    ...(test === undefined ? [] : [{ name: 'test', run: `make ${test}`, needs: [lint === undefined ? 'build' : 'lint'] }]),
  ];
  // Without a common build target, the default target may be anything, including the tests.
  const skipBuild = build === undefined && (test !== undefined || lint !== undefined);
  const kept = skipBuild
    ? steps.slice(1).map((step) => ({ ...step, needs: (step.needs ?? []).filter((need) => need !== 'build') }))
    : steps;
  return { label: 'Make', prefix: 'make', steps: kept, general: true };
}

export function detectDockerfile(project: ProjectFolder, service: string): Found | undefined {
  const file = project.first('Dockerfile', 'Containerfile');
  if (file === undefined) return undefined;
  const run = `docker build --tag ${service.toLowerCase()}${file === 'Dockerfile' ? '' : ` --file ${file}`} .`;
  return {
    label: file,
    prefix: 'docker',
    steps: [{ name: 'image', run, inputs: ['**'] }],
    suggestion: [`The ${file} can be built as a step, where docker runs:`, '  image:', `    run: ${run}`],
    general: true,
  };
}

export function detectCompose(project: ProjectFolder): Found | undefined {
  const file = project.first('compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml');
  if (file === undefined) return undefined;
  return {
    label: file,
    prefix: 'compose',
    steps: [{ name: 'images', run: `docker compose --file ${file} build` }],
    suggestion: [
      `The services of ${file} can be an environment, where docker runs:`,
      'environments:',
      '  staging:',
      `    compose: {file: ${file}}`,
    ],
    general: true,
  };
}
