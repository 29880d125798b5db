import { Changes } from './changes';
import type { LiveEnvironment } from './state';

/** The user's environments as their folders tell them. */
export class LiveEnvironments {
  readonly changes = new Changes();
  environments: readonly LiveEnvironment[] = [];

  constructor(readonly home: string) {}

  start(): void {}

  dispose(): void {}
}
