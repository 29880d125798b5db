import * as fs from 'node:fs';
import * as path from 'node:path';
import type { HealthDefinition } from '../../model/pipeline';
import type { Release } from '../../model/events';
import { writeAtomically } from '../../support/files';
import type { Override } from './override';

/**
 * How a release is brought up, now and again: the user's files as they lie in its checkout, and Deliver's own over them. Values of
 * secrets are not in it, only their names: compose gets them anew each time.
 */
export interface Recipe {
  readonly release: Release;
  /** The service's folder in the checkout, and the compose files in it. */
  readonly folder: string;
  readonly files: readonly string[];
  readonly override: Override;
  /** The service of the compose file, and those that it needs. */
  readonly target: string;
  readonly needs: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
  readonly health?: HealthDefinition;
  /** The image's id, as soon as it is known. */
  readonly image?: string;
}

/** The recipes of a service's releases in an environment, a file each. */
export class Recipes {
  constructor(private readonly folder: string) {}

  read(release: string): Recipe | undefined {
    try {
      return JSON.parse(fs.readFileSync(this.file(release), 'utf8')) as Recipe;
    } catch {
      return undefined; // it was made elsewhere, or is damaged: whoever needs it says so
    }
  }

  keep(recipe: Recipe): void {
    writeAtomically(this.file(recipe.release.id), recipe);
  }

  forget(release: string): void {
    fs.rmSync(this.file(release), { force: true });
  }

  /** Writes Deliver's own compose file for a call; answers where. */
  writeOverride({ override }: Recipe): string {
    const file = path.join(this.folder, 'override.json');
    writeAtomically(file, override);
    return file;
  }

  private file(release: string): string {
    return path.join(this.folder, `${release}.recipe.json`);
  }
}
