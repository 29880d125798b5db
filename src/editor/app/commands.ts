import * as vscode from 'vscode';
import type { FeedbackActions } from '../changes/feedback-actions';
import type { CiActions } from '../ci/ci-actions';
import type { EnvironmentActions } from '../environments/environment-actions';
import type { FailureNavigation } from '../failures/failure-navigation';
import type { Suspects } from '../failures/suspects';
import type { Logs } from '../logs/logs';
import type { Deliveries } from '../pipeline/deliveries';
import type { ManualApprovals } from '../pipeline/manual-approvals';
import type { CommandTarget } from '../tree/row';
import { RowNode } from '../tree/row-view';
import type { DeliveryMetrics } from './delivery-metrics';

/** The parts of the extension that commands call. */
export interface CommandParts {
  readonly deliveries: Deliveries;
  readonly ci: CiActions;
  readonly environments: EnvironmentActions;
  readonly logs: Logs;
  readonly metrics: DeliveryMetrics;
  readonly failures: FailureNavigation;
  readonly manualApprovals: ManualApprovals;
  readonly feedback: FeedbackActions;
  readonly suspects: Suspects;
  /** Returns the key of the service that contains a file, or of the only service in a repository. */
  readonly serviceOf: (place: vscode.Uri) => string | undefined;
  readonly reveal: (target: CommandTarget) => Promise<void>;
  readonly showOutput: () => void;
  readonly setUp: () => Promise<void>;
  readonly setSecret: (target: CommandTarget) => Promise<void>;
  readonly revealStep: (target: CommandTarget) => Promise<void>;
  readonly openSample: () => Promise<void>;
  readonly openDocumentation: (target: CommandTarget) => Promise<void>;
}

interface Command {
  /** The command runs programs, so the folder must be trusted. */
  readonly needsTrust?: true;
  /** `text` is the reply that was written in a comment thread. */
  readonly do: (target: CommandTarget, text?: string) => PromiseLike<void> | void;
}

/** Returns every command of the extension. A command that cannot run shows the reason. */
function commandTable(parts: CommandParts): Record<string, Command> {
  const { deliveries, ci, environments, logs, metrics, failures, manualApprovals, feedback, suspects } = parts;
  return {
    deliver: { needsTrust: true, do: (target) => deliveries.deliver(target) },
    deliverFromScratch: { needsTrust: true, do: (target) => deliveries.deliverFromScratch(target) },
    deliverCommit: { needsTrust: true, do: (target) => deliveries.deliverCommit(target) },
    runAgain: { needsTrust: true, do: (target) => deliveries.runAgain(target) },
    cancel: { needsTrust: true, do: (target) => deliveries.cancel(target) },
    runOn: { needsTrust: true, do: (target) => ci.runOn(target) },
    approve: { needsTrust: true, do: (target) => ci.approve(target) },
    openRun: { do: (target) => ci.openRun(target) },
    signIn: { needsTrust: true, do: (target) => ci.signIn(target) },
    rollBack: { needsTrust: true, do: (target) => environments.rollBack(target) },
    release: { needsTrust: true, do: (target) => environments.release(target) },
    startEnvironment: { needsTrust: true, do: (target) => environments.start(target) },
    stopEnvironment: { needsTrust: true, do: (target) => environments.stop(target) },
    setUp: { needsTrust: true, do: () => parts.setUp() },
    setSecret: { needsTrust: true, do: (target) => parts.setSecret(target) },
    openSample: { do: () => parts.openSample() },
    openDocumentation: { do: (target) => parts.openDocumentation(target) },
    openService: { do: (target) => environments.openService(target) },
    showMetrics: { needsTrust: true, do: (target) => metrics.show(target) },
    openLog: { do: (target) => logs.open(target) },
    openProblem: { do: (target) => failures.open(target) },
    openHandover: { do: (target) => manualApprovals.open(target) },
    nextFailure: { do: () => failures.move(1) },
    previousFailure: { do: () => failures.move(-1) },
    showSuspects: { needsTrust: true, do: (target) => suspects.show(target) },
    compareWithLastGood: { needsTrust: true, do: (target) => suspects.compare(target) },
    openChange: { needsTrust: true, do: (target) => feedback.openChange(target) },
    openFeedback: { needsTrust: true, do: (target) => feedback.open(target) },
    openFeedbackInBrowser: { do: (target) => feedback.openInBrowser(target) },
    fixFeedback: { needsTrust: true, do: (target) => feedback.fix(target) },
    resolveFeedback: { needsTrust: true, do: (target) => feedback.resolve(target) },
    assignFeedback: { needsTrust: true, do: (target) => feedback.assignToMe(target) },
    replyToFeedback: { needsTrust: true, do: (target, text) => feedback.reply(target, text) },
    closeFeedback: { do: (target) => feedback.close(target) },
    markFeedbackRead: { do: () => feedback.markAllRead() },
    refreshFeedback: { needsTrust: true, do: () => feedback.refresh() },
    pauseFeedback: { do: () => feedback.poll(false) },
    resumeFeedback: { needsTrust: true, do: () => feedback.poll(true) },
    setFeedbackToken: { needsTrust: true, do: (target) => feedback.setToken(target) },
    openSourceControl: { do: () => vscode.commands.executeCommand('workbench.view.scm') },
    showOutput: { do: () => parts.showOutput() },
    showRun: { do: (target) => parts.reveal(target) },
    revealStep: { do: (target) => parts.revealStep(target) },
    copy: { do: (target) => vscode.env.clipboard.writeText(target.text ?? '') },
  };
}

export function registerCommands(parts: CommandParts): vscode.Disposable {
  const registrations = Object.entries(commandTable(parts)).map(([name, command]) =>
    vscode.commands.registerCommand(`deliver.${name}`, async (argument?: unknown) => {
      if (command.needsTrust && !vscode.workspace.isTrusted) return offerTrust();
      const reply = replyIn(argument);
      const target = reply && parts.feedback.targetOf(reply.thread);
      await command.do(target ?? targetOf(argument, parts.serviceOf), reply?.text);
    }),
  );
  return vscode.Disposable.from(...registrations);
}

/** Returns the target of a command. Its argument depends on the caller: a row, an editor or repository menu, a link, or the palette. */
function targetOf(argument: unknown, serviceOf: CommandParts['serviceOf']): CommandTarget {
  if (argument instanceof RowNode) return argument.row.target;
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

/** Returns the comment thread that a command was called from, with the text of the reply. */
function replyIn(argument: unknown): { readonly thread: vscode.CommentThread; readonly text?: string } | undefined {
  if (typeof argument !== 'object' || argument === null) return undefined;
  if ('thread' in argument && 'text' in argument) return argument as vscode.CommentReply;
  return 'comments' in argument && 'canReply' in argument ? { thread: argument as vscode.CommentThread } : undefined;
}

async function offerTrust(): Promise<void> {
  const manage = 'Manage Workspace Trust';
  const answer = await vscode.window.showInformationMessage('This folder is in Restricted Mode. Trust it to run this command.', manage);
  if (answer === manage) await vscode.commands.executeCommand('workbench.trust.manage');
}
