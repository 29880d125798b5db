import type { Engine } from './ci-service';
import { github } from './github/workflow';
import { gitlab } from './gitlab/pipeline-file';
import { jenkins } from './jenkins/jenkinsfile';

/** Every CI service that Deliver writes for. */
export const engines: readonly Engine[] = [github, gitlab, jenkins];

export function engineNamed(name: string): Engine | undefined {
  return engines.find((engine) => engine.name === name);
}
