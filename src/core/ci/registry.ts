import type { CiService } from './ci-service';
import { github } from './github/workflow';
import { gitlab } from './gitlab/pipeline-file';
import { jenkins } from './jenkins/jenkinsfile';

/** Every CI service that Deliver writes for. */
export const engines: readonly CiService[] = [github, gitlab, jenkins];

export function ciServiceNamed(name: string): CiService | undefined {
  return engines.find((engine) => engine.name === name);
}
