import type { ProductionDeployment } from './deployment';

/** Whether the history of a commit holds another one; undefined where git does not know one of them. */
export type Contains = (commit: string, earlier: string) => Promise<boolean | undefined>;

/**
 * Which deployments repair a failed one: those whose commit goes on from the failed release, until one of them stays. So a repair is told by
 * what it holds, not by when it came: what was made without the failed change, or goes live while it is elsewhere, repairs nothing.
 * Undefined where that is not known. `deployments` is oldest first, as is the answer.
 */
export async function reworkOf(deployments: readonly ProductionDeployment[], contains: Contains): Promise<(boolean | undefined)[]> {
  let broken: string[] = [];
  const answers: (boolean | undefined)[] = [];
  for (const { commit, failure } of deployments) {
    const held = await Promise.all(broken.map(async (earlier) => contains(commit, earlier)));
    const isRework = held.some((one) => one === true);
    answers.push(isRework || held.every((one) => one !== undefined) ? isRework : undefined);
    if (failure) broken = [...new Set([...broken, commit])];
    else broken = broken.filter((_, index) => held[index] !== true);
  }
  return answers;
}
