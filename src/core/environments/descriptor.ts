import type { DefinitionKind } from '../model/definition-kind';
import type { Platform, PlatformPlace } from './platform';

/** A kind of environment: `compose`, `kubernetes` and so on. A descriptor is light: what runs releases is loaded when it is used. */
export interface EnvironmentDescriptor<Checked = unknown, Settings = unknown> extends DefinitionKind<Checked, Settings> {
  /** The artifacts that can be promoted to such an environment. Absent: files and images. */
  readonly runs?: 'files' | 'an image';
  /** Loads what opens the platforms of this kind. Absent: Deliver itself runs the releases on this machine. */
  loadPlatforms?(): Promise<PlatformOpener<Settings>>;
}

export interface PlatformOpener<Settings = unknown> {
  open(settings: Settings, place: PlatformPlace): Platform;
}

/** Returns the descriptor. The types of its settings follow from its schema and its `parse`. */
export function describeEnvironment<Checked, Settings>(
  descriptor: EnvironmentDescriptor<Checked, Settings>,
): EnvironmentDescriptor<Checked, Settings> {
  return descriptor;
}
