import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Pipeline } from '../model/pipeline';
import { definitionName, listServices } from '../pipeline/locate';
import { kindOf, recordedEnvironments } from './environments';
import type { PlatformDefinition } from './platform';
import { RecordedEnvironment } from './recorded/recorded-environment';
import { ServiceRecords } from './recorded/service-record';

/**
 * Returns the environments whose state must be read from the environment itself: those with a deployment from this machine, and
 * those that the services of the working copy at `root` define, because others may have deployed there.
 */
export async function environmentsToObserve(home: string, root: string | undefined): Promise<RecordedEnvironment[]> {
  const defined = new Map<string, Map<string, PlatformDefinition>>();
  for (const { service, environments } of root === undefined ? [] : await pipelinesOf(root))
    for (const [name, definition] of Object.entries(environments)) {
      if (definition.kind === 'process' || (kindOf(name, home) ?? definition.kind) !== definition.kind) continue;
      const services = defined.get(name) ?? new Map<string, PlatformDefinition>();
      // If two kinds share a name, the first counts. A deployment to the other one is refused.
      if ([...services.values()].every((other) => other.kind === definition.kind)) services.set(service, definition);
      defined.set(name, services);
    }
  const open = [...defined].flatMap(([name, services]) => {
    const [first] = services.values();
    return first ? [new RecordedEnvironment(new ServiceRecords(home, name), first.kind, services)] : [];
  });
  return [...open, ...recordedEnvironments(home).filter(({ name }) => !defined.has(name))];
}

/** Returns the valid pipelines of a working copy. `deliver check` reports the invalid ones. */
async function pipelinesOf(root: string): Promise<Pipeline[]> {
  const services = await listServices(root);
  if (services.length === 0) return [];
  const { parsePipeline } = await import('../pipeline/parse');
  return services.flatMap(({ folder }) => {
    try {
      return parsePipeline(fs.readFileSync(path.join(root, folder, definitionName), 'utf8'), definitionName).pipeline ?? [];
    } catch {
      return []; // removed since it was listed
    }
  });
}
