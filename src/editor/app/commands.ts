import * as vscode from 'vscode';
import type { Deliveries } from '../pipeline/deliveries';
import type { DeliveryMetrics } from './delivery-metrics';
import type { CiActions } from '../ci/ci-actions';
import type { EnvironmentActions } from '../environments/environment-actions';
import type { ManualApprovals } from '../pipeline/manual-approvals';
import type { FailureJumps } from '../failures/failure-jumps';
import type { FeedbackActions } from '../changes/feedback-actions';
import type { Logs } from '../logs/logs';
import { RowNode } from '../tree/row-tree';
import type { CommandTarget } from '../tree/row';
import type { Suspects } from '../failures/suspects';

/** What commands are carried out with. */
export interface CommandParts {
  readonly deliveries: Deliveries;
  readonly engines: CiActions;
  readonly environments: EnvironmentActions;
  readonly logs: Logs;
  readonly metrics: DeliveryMetrics;
  readonly failures: FailureJumps;
  readonly handovers: ManualApprovals;
  readonly feedback: FeedbackActions;
  readonly suspects: Suspects;
  /** The service that a file belongs to, or the only one of the repository with this root. */
  readonly serviceOf: (place: vscode.Uri) => string | undefined;
  readonly reveal: (subject: CommandTarget) => Promise<void>;
  readonly showOutput: () => void;
  readonly setUp: () => Promise<void>;
  readonly setSecret: (subject: CommandTarget) => Promise<void>;
  readonly revealStep: (subject: CommandTarget) => Promise<void>;
  readonly openSample: () => Promise<void>;
  readonly openDocumentation: (subject: CommandTarget) => Promise<void>;
}

interface Command {
  /** It runs programs: not before the folder is trusted. */
  readonly runs?: true;
  /** `text` is what was written in a thread. */
  readonly do: (subject: CommandTarget, text?: string) => PromiseLike<void> | void;
}

/** Every command of the extension, in every state: one that cannot do its work says why. */
function commandTable(parts: CommandParts): Record<string, Command> {
  const { deliveries, engines, environments, logs, metrics, failures, handovers, feedback, suspects } = parts;
  return {
    deliver: { runs: true, do: (subject) => deliveries.deliver(subject) },
    deliverCommit: { runs: true, do: (subject) => deliveries.deliverCommit(subject) },
    runAgain: { runs: true, do: (subject) => deliveries.runAgain(subject) },
    cancel: { runs: true, do: (subject) => deliveries.cancel(subject) },
    runOn: { runs: true, do: (subject) => engines.runOn(subject) },
    approve: { runs: true, do: (subject) => engines.approve(subject) },
    openRun: { do: (subject) => engines.openRun(subject) },
    signIn: { runs: true, do: (subject) => engines.signIn(subject) },
    rollBack: { runs: true, do: (subject) => environments.rollBack(subject) },
    release: { runs: true, do: (subject) => environments.release(subject) },
    startEnvironment: { runs: true, do: (subject) => environments.start(subject) },
    stopEnvironment: { runs: true, do: (subject) => environments.stop(subject) },
    setUp: { runs: true, do: () => parts.setUp() },
    setSecret: { runs: true, do: (subject) => parts.setSecret(subject) },
    openSample: { do: () => parts.openSample() },
    openDocumentation: { do: (subject) => parts.openDocumentation(subject) },
    openService: { do: (subject) => environments.openService(subject) },
    showMetrics: { runs: true, do: (subject) => metrics.show(subject) },
    openLog: { do: (subject) => logs.open(subject) },
    openProblem: { do: (subject) => failures.open(subject) },
    openHandover: { do: (subject) => handovers.open(subject) },
    nextFailure: { do: () => failures.step(1) },
    previousFailure: { do: () => failures.step(-1) },
    showSuspects: { runs: true, do: (subject) => suspects.show(subject) },
    compareWithLastGood: { runs: true, do: (subject) => suspects.compare(subject) },
    openChange: { runs: true, do: (subject) => feedback.openChange(subject) },
    openFeedback: { runs: true, do: (subject) => feedback.open(subject) },
    openFeedbackInBrowser: { do: (subject) => feedback.openInBrowser(subject) },
    fixFeedback: { runs: true, do: (subject) => feedback.fix(subject) },
    resolveFeedback: { runs: true, do: (subject) => feedback.resolve(subject) },
    assignFeedback: { runs: true, do: (subject) => feedback.assignToMe(subject) },
    replyToFeedback: { runs: true, do: (subject, text) => feedback.reply(subject, text) },
    closeFeedback: { do: (subject) => feedback.close(subject) },
    markFeedbackRead: { do: () => feedback.markAllRead() },
    refreshFeedback: { runs: true, do: () => feedback.refresh() },
    pauseFeedback: { do: () => feedback.poll(false) },
    resumeFeedback: { runs: true, do: () => feedback.poll(true) },
    setFeedbackToken: { runs: true, do: (subject) => feedback.setToken(subject) },
    openSourceControl: { do: () => vscode.commands.executeCommand('workbench.view.scm') },
    showOutput: { do: () => parts.showOutput() },
    showRun: { do: (subject) => parts.reveal(subject) },
    revealStep: { do: (subject) => parts.revealStep(subject) },
    copy: { do: (subject) => vscode.env.clipboard.writeText(subject.text ?? '') },
  };
}

export function registerCommands(parts: CommandParts): vscode.Disposable {
  const registrations = Object.entries(commandTable(parts)).map(([name, command]) =>
    vscode.commands.registerCommand(`deliver.${name}`, async (argument?: unknown) => {
      if (command.runs && !vscode.workspace.isTrusted) return askForTrust();
      const said = saidInThread(argument);
      const subject = said && parts.feedback.subjectOf(said.thread);
      await command.do(subject ?? subjectOf(argument, parts.serviceOf), said?.text);
    }),
  );
  return vscode.Disposable.from(...registrations);
}

/** A command is called from a row, with a subject, from the menu of an editor or a repository, or from the palette. */
function subjectOf(argument: unknown, serviceOf: CommandParts['serviceOf']): CommandTarget {
  if (argument instanceof RowNode) return argument.row.subject;
  if (typeof argument !== 'object' || argument === null) return {};
  const place = 'rootUri' in argument ? argument.rootUri : argument;
  if (place instanceof vscode.Uri) {
    const service = serviceOf(place);
    return service === undefined ? {} : { service };
  }
  const names = [
    'service',
    'run',
    'step',
    'problem',
    'environment',
    'deployed',
    'url',
    'change',
    'item',
    'source',
    'place',
    'text',
  ] as const;
  return Object.fromEntries(
    Object.entries(argument).filter(([name, value]) => names.some((known) => known === name) && typeof value === 'string'),
  );
}

/** The thread of comments that a command was called from, with what was written in it. */
function saidInThread(argument: unknown): { readonly thread: vscode.CommentThread; readonly text?: string } | undefined {
  if (typeof argument !== 'object' || argument === null) return undefined;
  if ('thread' in argument && 'text' in argument) return argument as vscode.CommentReply;
  return 'comments' in argument && 'canReply' in argument ? { thread: argument as vscode.CommentThread } : undefined;
}

async function askForTrust(): Promise<void> {
  const manage = 'Manage Workspace Trust';
  const answer = await vscode.window.showInformationMessage(
    'This folder is in restricted mode: nothing in it is run until you trust it.',
    manage,
  );
  if (answer === manage) await vscode.commands.executeCommand('workbench.trust.manage');
}
