import type { Engine } from './engine';
import { github } from './github';
import { gitlab } from './gitlab';
import { jenkins } from './jenkins';

/** Every CI service that Deliver writes for. */
export const engines: readonly Engine[] = [github, gitlab, jenkins];

export function engineNamed(name: string): Engine | undefined {
  return engines.find((engine) => engine.name === name);
}
