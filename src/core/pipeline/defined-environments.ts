import * as fs from 'node:fs';
import * as path from 'node:path';
import { kindOf, recordedEnvironments } from '../environments/environments';
import { isSameRepository } from '../environments/owner';
import { RecordedEnvironment } from '../environments/recorded/recorded-environment';
import { ServiceRecords } from '../environments/recorded/service-record';
import { isEmbedded } from '../environments/registry';
import type { Owner } from '../model/environment-status';
import { definitionName, type EnvironmentDefinition, type Pipeline } from '../model/pipeline';
import { listServices } from './locate';

/**
 * Returns the environments that have to be polled for their releases: those that this machine deployed to, and those that the services
 * of a working copy define, because others may have deployed to them. Without `root`, only the former. A service that belongs to another
 * repository than `mine` keeps its recorded definition.
 */
export async function environmentsToObserve(home: string, root: string | undefined, mine?: Owner): Promise<RecordedEnvironment[]> {
  const defined = new Map<string, Map<string, EnvironmentDefinition>>();
  for (const { service, environments } of root === undefined ? [] : await definedPipelines(root))
    for (const [name, definition] of Object.entries(environments)) {
      if (isEmbedded(definition.kind) || (kindOf(name, home) ?? definition.kind) !== definition.kind) continue;
      const owner = mine && new ServiceRecords(home, name).ownerOf(service);
      if (mine && owner && !isSameRepository(owner, mine)) continue;
      const services = defined.get(name) ?? new Map<string, EnvironmentDefinition>();
      // If one name has two kinds, the first counts; a delivery to the other is refused.
      if ([...services.values()].every((other) => other.kind === definition.kind)) services.set(service, definition);
      defined.set(name, services);
    }
  const open = [...defined].flatMap(([name, services]) => {
    const [first] = services.values();
    return first ? [new RecordedEnvironment(new ServiceRecords(home, name), first.kind, services)] : [];
  });
  return [...open, ...recordedEnvironments(home).filter(({ name }) => !defined.has(name))];
}

/** Returns the pipelines of a working copy. Skips definitions with errors: `deliver check` reports them. */
export async function definedPipelines(root: string): Promise<Pipeline[]> {
  const services = await listServices(root);
  if (services.length === 0) return [];
  const { parsePipeline } = await import('./parse');
  return services.flatMap(({ folder }) => {
    try {
      return parsePipeline(fs.readFileSync(path.join(root, folder, definitionName), 'utf8'), definitionName).pipeline ?? [];
    } catch {
      return []; // The file was removed a moment ago.
    }
  });
}
