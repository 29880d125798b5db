import * as fs from 'node:fs';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { isEmbedded } from '../../core/environments/registry';
import type { RunState, StepProgress } from '../../core/model/run-state';
import type { AttachedCli, Cli } from '../app/cli';
import type { ServiceChoice } from '../app/service-choice';
import { currentRun, type ServiceState } from '../app/state';
import type { Store } from '../app/store';
import { requireTrust } from '../app/trust';
import { problemsOf } from '../failures/failures';
import type { CommandTarget } from '../tree/row';
import type { LogDocuments } from './log-document';
import type { Output } from './output';

/** Opens logs: a running step's in the output panel, others as documents. */
export class Logs {
  constructor(
    private readonly choice: ServiceChoice,
    private readonly documents: LogDocuments,
    private readonly output: Output,
    private readonly store: Store,
    private readonly environmentLogs: EnvironmentLogStream,
  ) {}

  async open(target: CommandTarget): Promise<void> {
    if (target.deployed !== undefined) return this.openReleaseLog(target);
    const service = await this.choice.choose(target, 'Open Log');
    if (!service) return;
    const run = service.runs.find((candidate) => candidate.id === target.run) ?? currentRun(service);
    if (!run) return void vscode.window.showInformationMessage(`${service.name} is not delivered yet, so it has no log.`);
    const step = run.steps.find((candidate) => candidate.name === target.step) ?? (await pickStep(service, run));
    if (!step) return;
    if (step.state === 'running') this.output.reveal();
    else if (step.log === undefined) void vscode.window.showInformationMessage(`${step.name} has no log: ${step.reason ?? step.state}.`);
    else await this.documents.show(step.log, `${service.name} ${step.name}`, { line: problemLine(service, run, step, target.problem) });
  }

  /** Opens the log of a live release and follows it. */
  private async openReleaseLog({ environment, deployed }: CommandTarget): Promise<void> {
    const live = this.store.state.environments.find((candidate) => candidate.name === environment);
    const log = live?.services.find((candidate) => candidate.service === deployed)?.log;
    const title = `${deployed} in ${environment}`;
    if (log !== undefined) return this.documents.show(log, title, { growing: true });
    if (!live || isEmbedded(live.kind) || deployed === undefined)
      return void vscode.window.showInformationMessage(`${deployed} is not live in ${environment}.`);
    if (!requireTrust()) return;
    await this.documents.show(await this.environmentLogs.open(live.name, deployed), title, { growing: true });
  }
}

/** Returns the line of a problem in the log of its step, or of the first problem in that log. */
function problemLine(service: ServiceState, run: RunState, step: StepProgress, id: string | undefined): number | undefined {
  const problems = problemsOf(service, run, step);
  const failure = problems.find((candidate) => candidate.id === id) ?? problems.find(({ problem }) => problem.logLine !== undefined);
  return failure?.problem.logLine;
}

/** Returns the failed or the running step, or else shows a quick pick. */
async function pickStep(service: ServiceState, run: RunState): Promise<StepProgress | undefined> {
  const step = run.steps.find(({ state }) => state === 'failed') ?? run.steps.find(({ state }) => state === 'running');
  if (step) return step;
  const items = run.steps.filter(({ log }) => log !== undefined).map((each) => ({ label: each.name, description: each.state, step: each }));
  if (items.length === 0) return void vscode.window.showInformationMessage(`The last delivery of ${service.name} has no log.`);
  return (await vscode.window.showQuickPick(items, { title: `Open Log of ${service.name}`, placeHolder: 'Select a step' }))?.step;
}

/** A longer log starts again from empty. */
const maxBytes = 20 << 20;
/** The oldest stream ends when there are more. */
const maxStreams = 4;

/** Streams the logs of environments that do not write a file into files, which are shown like other logs. */
export class EnvironmentLogStream {
  private readonly streams = new Map<string, AttachedCli>();

  constructor(
    private readonly cli: Cli,
    private readonly folder: string,
    /** Returns a repository whose definitions may contain the environment. */
    private readonly root: () => string,
  ) {}

  /** Starts a stream and returns its file. */
  async open(environment: string, service: string): Promise<string> {
    fs.mkdirSync(this.folder, { recursive: true });
    const file = path.join(this.folder, `${environment}-${service}-${process.pid}.log`);
    this.streams.get(file)?.end();
    let size = 0;
    fs.writeFileSync(file, '');
    const args = ['environment', 'logs', environment, '--service', service, '--all', '--lines', '1000', '--follow'];
    const stream = this.cli.attach(args, this.root(), {
      output: (bytes) => {
        if (size + bytes.length > maxBytes) {
          fs.writeFileSync(file, '');
          size = 0;
        }
        size += bytes.length;
        fs.appendFileSync(file, bytes);
      },
    });
    this.streams.delete(file);
    this.streams.set(file, stream);
    const [oldest] = this.streams;
    if (this.streams.size > maxStreams && oldest) {
      oldest[1].end();
      this.streams.delete(oldest[0]);
    }
    return file;
  }

  dispose(): void {
    for (const stream of this.streams.values()) stream.end();
  }
}
