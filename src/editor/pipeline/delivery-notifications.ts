import * as vscode from 'vscode';
import { isFinished, type RunState } from '../../core/model/run-state';
import { withoutPlace } from '../../core/location/problems-now';
import { shortCommit } from '../../core/support/format';
import type { CliExit } from '../app/cli';
import type { Service, ServiceState } from '../app/state';
import { urlOf } from './run-rows';

/** Reports the end of deliveries that this window started. Others end without a notification. */
export class DeliveryNotifications {
  /** Passed runs of this window: their deployments may still be rolled back. */
  private readonly passedRuns = new Set<string>();
  /** Runs of this window on a CI service that their process stopped monitoring before the end. */
  private readonly unmonitoredRuns = new Set<string>();

  constructor(
    /** Returns true if the steps are visible. */
    private readonly isPipelineVisible: () => boolean,
    private readonly print: (text: string) => void,
    private readonly showOutput: () => void,
  ) {}

  /** Reports how a delivery ended. A delivery that was not requested by a click passes without a notification. */
  async report(service: Service, exit: CliExit, run: RunState | undefined, isRequested = true): Promise<void> {
    if (run?.outcome === 'passed') this.passedRuns.add(run.id);
    if (run?.outcome === 'failed') await this.reportFailed(service, run);
    else if (run?.outcome === 'passed') await (isRequested ? this.reportPassed(service, run) : undefined);
    else if (run?.engine && !isFinished(run.outcome)) await this.reportUnmonitored(service, run);
    else if (exit.code !== 0 && exit.code !== 130) this.showFailure(`Could not deliver ${service.name}`, exit.stderr, service);
  }

  update(services: readonly ServiceState[]): void {
    for (const service of services)
      for (const run of service.runs) {
        if (isFinished(run.outcome) && this.unmonitoredRuns.delete(run.id)) void this.report(service, { code: 0, stderr: '' }, run);
        if (run.outcome !== 'failed' || !this.passedRuns.delete(run.id)) continue;
        void this.reportRolledBack(service, run);
      }
  }

  /** The run continues on the CI service. Once a new token is entered, it is monitored again and its end is reported. */
  private async reportUnmonitored(service: Service, run: RunState): Promise<void> {
    this.unmonitoredRuns.add(run.id);
    const { label, heard } = run.engine ?? { label: 'the CI service' };
    const buttons = heard?.reason === 'token' ? ['Sign In'] : [];
    const message = `${service.name} is still running on ${label}, but its status is unavailable: ${heard?.message ?? 'no response'}.`;
    const answer = await vscode.window.showWarningMessage(message, ...buttons);
    if (answer !== undefined) await vscode.commands.executeCommand('deliver.signIn', { service: service.key, run: run.id });
  }

  private async reportRolledBack(service: Service, run: RunState): Promise<void> {
    const deployment = run.deployments.find(({ takenBack }) => takenBack);
    const to = deployment?.takenBack?.to;
    const live = to ? ` Live again: ${to.subject ?? shortCommit(to.commit)}.` : '';
    const show = 'Show Environments';
    const message = `${service.name} was rolled back in ${deployment?.environment ?? 'its environment'}: ${run.reason ?? 'it failed'}.`;
    const answer = await vscode.window.showErrorMessage(`${message}${live}`, show);
    if (answer === show) await vscode.commands.executeCommand('deliver.environments.focus');
  }

  /** Reports a command that failed. The output panel shows all of `stderr`. */
  showFailure(message: string, stderr: string, service?: Service): void {
    const reason = stderr.replace(/^deliver: /, '') || 'no error message was printed.';
    this.print(`${message}: ${reason}\n`);
    const summary = reason.split('\n', 2).join(' ').slice(0, 300);
    const [more, openDefinition] = ['Show Output', 'Open delivery.yaml'];
    const buttons = service && /\bdelivery\.yaml:\d+/.test(reason) ? [openDefinition, more] : [more];
    void vscode.window.showErrorMessage(`${message}: ${summary}`, ...buttons).then(async (answer) => {
      if (answer === more) this.showOutput();
      if (answer === openDefinition) await vscode.commands.executeCommand('deliver.revealStep', { service: service?.key });
    });
  }

  private async reportFailed(service: Service, run: RunState): Promise<void> {
    const step = run.steps.find((candidate) => candidate.state === 'failed');
    const target = { service: service.key, run: run.id, ...(step && { step: step.name }) };
    const [goToFailure, openLog, runAgain] = ['Go to Failure', 'Open Log', 'Run Again'];
    const problem = step?.problems.find(({ severity }) => severity === 'error');
    const failed = problem && `${problem.step} failed: ${(problem.message.split('\n')[0] ?? '').slice(0, 200)}`;
    const message = step ? (failed ?? `${withoutPlace(step) ?? `${step.name} failed`}.`) : `${run.reason ?? 'the delivery failed'}.`;
    const buttons = [...(problem?.path === undefined ? [] : [goToFailure]), ...(step?.log === undefined ? [] : [openLog]), runAgain];
    const answer = await vscode.window.showErrorMessage(`${service.name}: ${message}`, ...buttons);
    if (answer === goToFailure) await vscode.commands.executeCommand('deliver.openProblem', target);
    if (answer === openLog) await vscode.commands.executeCommand('deliver.openLog', target);
    if (answer === runAgain) await vscode.commands.executeCommand('deliver.runAgain', target);
  }

  private async reportPassed(service: Service, run: RunState): Promise<void> {
    if (this.isPipelineVisible()) return;
    const url = urlOf(run);
    const open = 'Open Service';
    const answer = await vscode.window.showInformationMessage(`Delivered ${service.name}: ${run.change.subject}`, ...(url ? [open] : []));
    if (answer === open) await vscode.commands.executeCommand('deliver.openService', { service: service.key, url });
  }
}
