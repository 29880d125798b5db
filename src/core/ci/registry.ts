import type { CiDescriptor } from './ci-service';
import { github } from './github/descriptor';
import { gitlab } from './gitlab/descriptor';
import { jenkins } from './jenkins/descriptor';

/** Every CI service, in the order in which messages name them. */
export const ciServices: readonly CiDescriptor[] = [github, gitlab, jenkins];

export function findCiService(kind: string): CiDescriptor | undefined {
  return ciServices.find((known) => known.kind === kind);
}

/** Returns the CI service that runs the pipeline file at a path, absolute or relative, with `/`. */
export function findCiServiceByFile(path: string): CiDescriptor | undefined {
  return ciServices.find(({ approvals }) => approvals?.files.some((glob) => expressionOf(glob).test(path)));
}

/** `**` stands for folders; `*` stays within a name. */
function expressionOf(glob: string): RegExp {
  const parts = glob.replace(/^\*\*\//, '').split(/(\*\*\/|\*)/);
  const written = parts.map((part) => {
    if (part === '**/') return '(?:.*/)?';
    return part === '*' ? '[^/]*' : part.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`(?:^|/)${written.join('')}$`);
}
