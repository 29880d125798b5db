import type { Platform, PlatformDefinition, PlatformPlace } from './platform';

/** The place that a definition names. Each kind is loaded when it is used. */
export async function openPlatform(definition: PlatformDefinition, place: PlatformPlace): Promise<Platform> {
  switch (definition.kind) {
    case 'compose':
      return new (await import('./compose/compose-platform')).ComposePlatform(definition.compose, place);
    case 'kubernetes':
      return new (await import('./kubernetes/kubernetes-platform')).KubernetesPlatform(definition.kubernetes, place);
    case 'command':
      return new (await import('./command/command-platform')).CommandPlatform(definition.command, place);
  }
}
