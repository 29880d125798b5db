import type { ProgramFinder } from './compose/engine';
import type { Platform, PlatformDefinition, PlatformPlace } from './platform';

/** Opens platforms, each kind loaded when it is used. What one found on this machine the next need not look for. */
export class Platforms {
  private compose: ProgramFinder | undefined;

  async open(definition: PlatformDefinition, place: PlatformPlace): Promise<Platform> {
    switch (definition.kind) {
      case 'compose': {
        const { ComposePlatform, createProgramFinder } = await import('./compose/compose-platform');
        this.compose ??= createProgramFinder();
        return new ComposePlatform(definition.compose, place, this.compose);
      }
      case 'kubernetes':
        return new (await import('./kubernetes/kubernetes-platform')).KubernetesPlatform(definition.kubernetes, place);
      case 'command':
        return new (await import('./command/command-platform')).CommandPlatform(definition.command, place);
    }
  }
}
