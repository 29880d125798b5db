import * as path from 'node:path';
import { fail, ok, type Result } from '../failure';
import { detectCompose, detectDockerfile } from './detect/containers';
import type { Found, FoundStep } from './detect/found';
import { detectGo } from './detect/go';
import { detectGradle, detectMaven } from './detect/java';
import { detectMake } from './detect/make';
import { detectNode } from './detect/node';
import { ProjectFolder } from './detect/project';
import { detectPython } from './detect/python';
import { detectRust } from './detect/rust';
import { written } from './detect/written';

/**
 * A first `delivery.yaml` from what the folder holds: valid, and made to pass unedited in a clean
 * checkout. `found` names what it was made from. Fails where nothing that can be built is found.
 */
export async function detectPipeline(folder: string): Promise<Result<{ yaml: string; found: string[] }>> {
  const project = new ProjectFolder(folder);
  const service = serviceName(folder);
  const languages = [detectNode, detectGo, detectPython, detectRust, detectMaven, detectGradle].map((detect) => detect(project));
  const general = [detectMake(project), detectDockerfile(project, service), detectCompose(project)];
  const all = [...languages, ...general].filter((one) => one !== undefined);
  const able = all.filter((one) => one.steps.length > 0);
  const specific = able.filter((one) => !one.general);
  // A language's own tools say more than what wraps them.
  const used = specific.length > 0 ? specific : able.slice(0, 1);
  if (used.length === 0) {
    const message =
      all.length > 0 ? `${all.map((one) => one.label).join(', ')} found, but nothing to build or test` : 'nothing to deliver was found';
    return fail('usage', `${message} in ${folder}`, {
      hint: 'write a delivery.yaml with a step of your own: `steps: {test: {run: ./test.sh}}`',
    });
  }
  const servers = used.flatMap((one) => (one.server ? [one.server] : []));
  const others = all.filter((one) => !used.includes(one));
  return ok({
    yaml: written(service, distinct(used), servers.length === 1 ? servers[0] : undefined, others),
    found: used.map((one) => one.label),
  });
}

/** The folder's name as the name of a service. */
function serviceName(folder: string): string {
  const name = path
    .basename(path.resolve(folder))
    .replace(/[^A-Za-z0-9_.-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '');
  return name.slice(0, 100) || 'service';
}

/** The steps of all ecosystems; a name that two of them have gets the ecosystem before it. */
function distinct(found: readonly Found[]): FoundStep[] {
  const count = new Map<string, number>();
  for (const { name } of found.flatMap((one) => one.steps)) count.set(name, (count.get(name) ?? 0) + 1);
  return found.flatMap(({ prefix, steps }) => {
    const renamed = (name: string): string => ((count.get(name) ?? 0) > 1 ? `${prefix}-${name}` : name);
    return steps.map((step) => ({ ...step, name: renamed(step.name), needs: (step.needs ?? []).map(renamed) }));
  });
}
