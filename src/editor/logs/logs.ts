import * as vscode from 'vscode';
import { isEmbedded } from '../../core/environments/registry';
import type { RunState, StepProgress } from '../../core/model/run-state';
import type { EnvironmentLogStream } from './environment-log-stream';
import { problemsOf } from '../failures/failures';
import type { LogDocuments } from './log-document';
import type { Output } from './output';
import type { CommandTarget } from '../tree/row';
import type { ServiceChoice } from '../app/service-choice';
import { currentRun, type ServiceState } from '../app/state';
import type { Store } from '../app/store';

/** Opens logs: what still runs in the output panel, what has ended as a document. */
export class Logs {
  constructor(
    private readonly choice: ServiceChoice,
    private readonly documents: LogDocuments,
    private readonly output: Output,
    private readonly store: Store,
    private readonly askedLogs: EnvironmentLogStream,
  ) {}

  async open(subject: CommandTarget): Promise<void> {
    if (subject.deployed !== undefined) return this.openReleaseLog(subject);
    const service = await this.choice.choose(subject, 'Open Log');
    if (!service) return;
    const run = service.runs.find((candidate) => candidate.id === subject.run) ?? currentRun(service);
    if (!run) return void vscode.window.showInformationMessage(`${service.name} was not delivered yet: there is no log.`);
    const step = run.steps.find((candidate) => candidate.name === subject.step) ?? (await pickStep(service, run));
    if (!step) return;
    if (step.state === 'running') this.output.reveal();
    else if (step.log === undefined) void vscode.window.showInformationMessage(`${step.name} has no log: ${step.reason ?? step.state}.`);
    else await this.documents.show(step.log, `${service.name} ${step.name}`, { line: firstCause(service, run, step, subject.problem) });
  }

  /** What the live release of a service prints, as it comes. */
  private async openReleaseLog({ environment, deployed }: CommandTarget): Promise<void> {
    const live = this.store.state.environments.find((candidate) => candidate.name === environment);
    const log = live?.services.find((candidate) => candidate.service === deployed)?.log;
    const title = `${deployed} in ${environment}`;
    if (log !== undefined) return this.documents.show(log, title, { growing: true });
    if (!live || isEmbedded(live.kind) || deployed === undefined)
      return void vscode.window.showInformationMessage(`Nothing of ${deployed} is live in ${environment}.`);
    const asked = await this.askedLogs.open(live.name, deployed);
    await this.documents.show(asked, title, { growing: true });
  }
}

/** The line of a step's log that tells a problem, or its first one. */
function firstCause(service: ServiceState, run: RunState, step: StepProgress, problem: string | undefined): number | undefined {
  const problems = problemsOf(service, run, step);
  const meant = problems.find((one) => one.id === problem) ?? problems.find((one) => one.problem.logLine !== undefined);
  return meant?.problem.logLine;
}

/** The failed step, the running one, else the one that is asked for. */
async function pickStep(service: ServiceState, run: RunState): Promise<StepProgress | undefined> {
  const telling = run.steps.find((step) => step.state === 'failed') ?? run.steps.find((step) => step.state === 'running');
  if (telling) return telling;
  const items = run.steps.filter((step) => step.log !== undefined).map((step) => ({ label: step.name, description: step.state, step }));
  if (items.length === 0) return void vscode.window.showInformationMessage(`The last delivery of ${service.name} wrote no log.`);
  return (await vscode.window.showQuickPick(items, { title: `Open Log of ${service.name}`, placeHolder: 'Which step?' }))?.step;
}
