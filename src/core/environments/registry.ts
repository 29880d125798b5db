import { fail, ok, type Result } from '../model/result';
import type { EnvironmentDefinition } from '../model/pipeline';
import { commandEnvironment } from './command/descriptor';
import { composeEnvironment } from './compose/descriptor';
import type { EnvironmentDescriptor, PlatformOpener } from './descriptor';
import { kubernetesEnvironment } from './kubernetes/descriptor';
import type { Platform, PlatformPlace } from './platform';
import { processEnvironment } from './process/descriptor';

/** Every kind of environment, in the order in which messages name them. */
export const environmentKinds: readonly EnvironmentDescriptor[] = [
  processEnvironment,
  composeEnvironment,
  kubernetesEnvironment,
  commandEnvironment,
];

export function findEnvironmentKind(kind: string): EnvironmentDescriptor | undefined {
  return environmentKinds.find((known) => known.kind === kind);
}

/** Returns whether Deliver itself runs the releases of environments of this kind, on this machine. */
export function isEmbedded(kind: string): boolean {
  const descriptor = findEnvironmentKind(kind);
  return descriptor !== undefined && !descriptor.loadPlatforms;
}

/** Opens platforms. Platforms of one kind share the programs that were found on this machine. */
export class Platforms {
  private readonly openers = new Map<string, Promise<PlatformOpener>>();

  async open({ kind, settings }: EnvironmentDefinition, place: PlatformPlace): Promise<Result<Platform>> {
    const opener = this.openers.get(kind) ?? findEnvironmentKind(kind)?.loadPlatforms?.();
    if (!opener) return fail('usage', `this version of Deliver has no environments of the kind ${kind}`, { hint: 'update Deliver' });
    this.openers.set(kind, opener);
    return ok((await opener).open(settings, place));
  }
}
