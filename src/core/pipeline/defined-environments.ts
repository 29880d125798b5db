import * as fs from 'node:fs';
import * as path from 'node:path';
import { definitionName, type Pipeline } from '../model/pipeline';
import { listServices } from './locate';
import { kindOf, recordedEnvironments } from '../environments/environments';
import type { PlatformDefinition } from '../environments/platform';
import { RecordedEnvironment } from '../environments/recorded/recorded-environment';
import { ServiceRecords } from '../environments/recorded/service-record';

/**
 * The environments that have to be asked what is live in them: those that something was deployed to from here, and those that the
 * services of a working copy define, where others may have deployed. Without `root`, only the former.
 */
export async function askedEnvironments(home: string, root: string | undefined): Promise<RecordedEnvironment[]> {
  const defined = new Map<string, Map<string, PlatformDefinition>>();
  for (const { service, environments } of root === undefined ? [] : await pipelinesOf(root))
    for (const [name, definition] of Object.entries(environments)) {
      if (definition.kind === 'process' || (kindOf(name, home) ?? definition.kind) !== definition.kind) continue;
      const services = defined.get(name) ?? new Map<string, PlatformDefinition>();
      // Of two kinds under one name, the first counts; a delivery to the other is refused.
      if ([...services.values()].every((other) => other.kind === definition.kind)) services.set(service, definition);
      defined.set(name, services);
    }
  const open = [...defined].flatMap(([name, services]) => {
    const [first] = services.values();
    return first ? [new RecordedEnvironment(new ServiceRecords(home, name), first.kind, services)] : [];
  });
  return [...open, ...recordedEnvironments(home).filter(({ name }) => !defined.has(name))];
}

/** What the definitions of a working copy say now; those with errors are passed over, `deliver check` tells them. */
async function pipelinesOf(root: string): Promise<Pipeline[]> {
  const services = await listServices(root);
  if (services.length === 0) return [];
  const { parsePipeline } = await import('./parse');
  return services.flatMap(({ folder }) => {
    try {
      return parsePipeline(fs.readFileSync(path.join(root, folder, definitionName), 'utf8'), definitionName).pipeline ?? [];
    } catch {
      return []; // it was removed a moment ago
    }
  });
}
