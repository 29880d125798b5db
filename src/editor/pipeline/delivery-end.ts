import * as vscode from 'vscode';
import { isFinished, type RunState } from '../../core/model/run-state';
import type { CliEnd } from '../app/cli';
import { urlOf } from './run-rows';
import type { Service, ServiceState } from '../app/state';
import { shortCommit } from '../../core/support/format';

/** Tells how a delivery ended that was started in this window; others end without a word. */
export class DeliveryEnd {
  /** Runs of this window that passed: what they delivered may still be taken back. */
  private readonly passedRuns = new Set<string>();
  /** Runs of this window on a CI service that their own process could not follow to the end. */
  private readonly leftRuns = new Set<string>();

  constructor(
    /** Whether its steps are seen anyway. */
    private readonly seen: () => boolean,
    private readonly say: (text: string) => void,
    private readonly showOutput: () => void,
  ) {}

  /** `askedFor`: by a click; what is delivered by itself passes without a word. */
  async tell(service: Service, end: CliEnd, run: RunState | undefined, askedFor = true): Promise<void> {
    if (run?.outcome === 'passed') this.passedRuns.add(run.id);
    if (run?.outcome === 'failed') await this.failed(service, run);
    else if (run?.outcome === 'passed') await (askedFor ? this.passed(service, run) : undefined);
    else if (run?.engine && !isFinished(run.outcome)) await this.left(service, run);
    else if (end.code !== 0 && end.code !== 130) this.complain(`${service.name} could not be delivered`, end.complaint);
  }

  /** The runs of the window as they are now. */
  update(services: readonly ServiceState[]): void {
    for (const service of services)
      for (const run of service.runs) {
        if (isFinished(run.outcome) && this.leftRuns.delete(run.id)) void this.tell(service, { code: 0, complaint: '' }, run);
        if (run.outcome !== 'failed' || !this.passedRuns.delete(run.id)) continue;
        void this.takenBack(service, run);
      }
  }

  /** It goes on there. With another token somebody follows it again, and its end is told. */
  private async left(service: Service, run: RunState): Promise<void> {
    this.leftRuns.add(run.id);
    const { label, heard } = run.engine ?? { label: 'the CI service' };
    const signIn = heard?.reason === 'token' ? ['Sign in'] : [];
    const what = `${service.name} goes on at ${label}, and cannot be followed: ${heard?.message ?? 'it does not answer'}.`;
    const answer = await vscode.window.showWarningMessage(what, ...signIn);
    if (answer !== undefined) await vscode.commands.executeCommand('deliver.signIn', { service: service.key, run: run.id });
  }

  private async takenBack(service: Service, run: RunState): Promise<void> {
    const how = run.deployments.find(({ takenBack }) => takenBack);
    const to = how?.takenBack?.to;
    const back = to ? ` It is back on ${to.subject ?? shortCommit(to.commit)}.` : '';
    const show = 'Show Environments';
    const what = `${service.name} was taken back from ${how?.environment ?? 'its environment'}: ${run.reason ?? 'it failed'}.`;
    const answer = await vscode.window.showErrorMessage(`${what}${back}`, show);
    if (answer === show) await vscode.commands.executeCommand('deliver.environments.focus');
  }

  /** Something that the command line was asked for did not work; the whole of it is in the output panel. */
  complain(what: string, complaint: string): void {
    const why = complaint.replace(/^deliver: /, '') || 'it ended without saying why.';
    this.say(`${what}: ${why}\n`);
    const first = why.split('\n', 2).join(' ').slice(0, 300);
    const more = 'Show Output';
    void vscode.window.showErrorMessage(`${what}: ${first}`, more).then((answer) => answer === more && this.showOutput());
  }

  private async failed(service: Service, run: RunState): Promise<void> {
    const step = run.steps.find((candidate) => candidate.state === 'failed');
    const subject = { service: service.key, run: run.id, ...(step && { step: step.name }) };
    const [goThere, openLog, runAgain] = ['Go to the Failure', 'Open Log', 'Run Again'];
    const problem = step?.problems.find((one) => one.severity === 'error');
    const why = problem ? `: ${(problem.message.split('\n')[0] ?? '').slice(0, 200)}` : '.';
    const what = step ? `${step.name} failed${why}` : `${run.reason ?? 'the delivery failed'}.`;
    const actions = [...(problem?.path === undefined ? [] : [goThere]), ...(step?.log === undefined ? [] : [openLog]), runAgain];
    const answer = await vscode.window.showErrorMessage(`${service.name}: ${what}`, ...actions);
    if (answer === goThere) await vscode.commands.executeCommand('deliver.openProblem', subject);
    if (answer === openLog) await vscode.commands.executeCommand('deliver.openLog', subject);
    if (answer === runAgain) await vscode.commands.executeCommand('deliver.runAgain', subject);
  }

  private async passed(service: Service, run: RunState): Promise<void> {
    if (this.seen()) return;
    const { url } = urlOf(run);
    const open = 'Open Service';
    const answer = await vscode.window.showInformationMessage(
      `${service.name} was delivered: ${run.change.subject}`,
      ...(url ? [open] : []),
    );
    if (answer === open) await vscode.commands.executeCommand('deliver.openService', { service: service.key, url });
  }
}
