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
import { requireTrust } from './trust';

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
  /** The command runs no program, so the folder need not be trusted. */
  readonly worksRestricted?: true;
  /** `text` is the reply that was written in a comment thread. */
  readonly do: (target: CommandTarget, text?: string) => PromiseLike<void> | void;
}

/** Returns every command of the extension. A command that cannot run shows the reason. */
function commandTable(parts: CommandParts): Record<string, Command> {
  const { deliveries, ci, environments, logs, metrics, failures, manualApprovals, feedback, suspects } = parts;
  return {
    deliver: { do: (target) => deliveries.deliver(target) },
    deliverFromScratch: { do: (target) => deliveries.deliverFromScratch(target) },
    deliverCommit: { do: (target) => deliveries.deliverCommit(target) },
    runAgain: { do: (target) => deliveries.runAgain(target) },
    cancel: { do: (target) => deliveries.cancel(target) },
    runOn: { do: (target) => ci.runOn(target) },
    approve: { do: (target) => ci.approve(target) },
    openRun: { worksRestricted: true, do: (target) => ci.openRun(target) },
    signIn: { do: (target) => ci.signIn(target) },
    rollBack: { do: (target) => environments.rollBack(target) },
    release: { do: (target) => environments.release(target) },
    startEnvironment: { do: (target) => environments.start(target) },
    stopEnvironment: { do: (target) => environments.stop(target) },
    setUp: { do: () => parts.setUp() },
    setSecret: { do: (target) => parts.setSecret(target) },
    openSample: { worksRestricted: true, do: () => parts.openSample() },
    openDocumentation: { worksRestricted: true, do: (target) => parts.openDocumentation(target) },
    openService: { worksRestricted: true, do: (target) => environments.openService(target) },
    showMetrics: { do: (target) => metrics.show(target) },
    openLog: { worksRestricted: true, do: (target) => logs.open(target) },
    openProblem: { worksRestricted: true, do: (target) => failures.open(target) },
    openHandover: { worksRestricted: true, do: (target) => manualApprovals.open(target) },
    nextFailure: { worksRestricted: true, do: () => failures.move(1) },
    previousFailure: { worksRestricted: true, do: () => failures.move(-1) },
    showSuspects: { do: (target) => suspects.show(target) },
    compareWithLastGood: { do: (target) => suspects.compare(target) },
    openChange: { do: (target) => feedback.openChange(target) },
    openFeedback: { do: (target) => feedback.open(target) },
    openFeedbackInBrowser: { worksRestricted: true, do: (target) => feedback.openInBrowser(target) },
    fixFeedback: { do: (target) => feedback.fix(target) },
    resolveFeedback: { do: (target) => feedback.resolve(target) },
    assignFeedback: { do: (target) => feedback.assignToMe(target) },
    replyToFeedback: { do: (target, text) => feedback.reply(target, text) },
    closeFeedback: { worksRestricted: true, do: (target) => feedback.close(target) },
    markFeedbackRead: { worksRestricted: true, do: () => feedback.markAllRead() },
    refreshFeedback: { do: () => feedback.refresh() },
    pauseFeedback: { worksRestricted: true, do: () => feedback.poll(false) },
    resumeFeedback: { do: () => feedback.poll(true) },
    setFeedbackToken: { do: (target) => feedback.setToken(target) },
    openSourceControl: { worksRestricted: true, do: () => vscode.commands.executeCommand('workbench.view.scm') },
    showOutput: { worksRestricted: true, do: () => parts.showOutput() },
    showRun: { worksRestricted: true, do: (target) => parts.reveal(target) },
    revealStep: { worksRestricted: true, do: (target) => parts.revealStep(target) },
    copy: { worksRestricted: true, do: (target) => vscode.env.clipboard.writeText(target.text ?? '') },
  };
}

export function registerCommands(parts: CommandParts): vscode.Disposable {
  const registrations = Object.entries(commandTable(parts)).map(([name, command]) =>
    vscode.commands.registerCommand(`deliver.${name}`, async (argument?: unknown) => {
      if (!command.worksRestricted && !requireTrust()) return;
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
