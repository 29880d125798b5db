import { isProcess } from '../environments/process/descriptor';
import type { Pipeline, Step } from '../model/pipeline';
import { findProgram, pathOf, programsOf, versionProblem, wantedVersions } from '../process/tools';
import { programFolders, type StepLocation } from '../process/step-environment';
import * as path from 'node:path';

/** Finds programs that steps need and that this machine lacks, before the steps run. */
export class ToolCheck {
  private versions: Promise<void> | undefined;

  /** `notice` gets a sentence for each program of another version than the project asks for. */
  constructor(
    private readonly base: NodeJS.ProcessEnv,
    private readonly around: StepLocation,
    private readonly notice: (message: string) => void,
  ) {}

  /** Returns the reason why a step cannot run. Before the first step, it reports the versions that differ. */
  async refusal({ run, deploy }: Step, { environments }: Pipeline): Promise<string | undefined> {
    const definition = deploy === undefined ? undefined : environments[deploy];
    const command = run ?? (definition && isProcess(definition) ? definition.settings.command : '');
    await (this.versions ??= this.reportVersions());
    const { folder, slot } = this.around;
    const searched = [...programFolders(folder, slot), pathOf(this.base)].join(path.delimiter);
    const missing = programsOf(command).find((name) => findProgram(name, searched) === undefined);
    return missing === undefined ? undefined : missingText(missing);
  }

  private async reportVersions(): Promise<void> {
    const { folder, slot } = this.around;
    const problems = await Promise.all(wantedVersions(folder, slot).map((wanted) => versionProblem(wanted, folder, this.base)));
    for (const problem of problems) if (problem !== undefined) this.notice(problem);
  }
}

export function missingText(program: string): string {
  return `it needs ${program}, which is not installed here: install ${program}, or correct the PATH`;
}
