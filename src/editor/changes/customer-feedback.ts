import * as fs from 'node:fs';
import * as vscode from 'vscode';
import type { PlacedItem } from '../../core/feedback/placed-item';
import { shortCommit } from '../../core/support/format';
import type { HostTokens } from '../app/host-tokens';
import type { Repositories } from '../app/repositories';
import type { Service, ServiceState } from '../app/state';
import type { Store } from '../app/store';
import type { CommittedDocuments } from '../failures/committed-documents';
import type { ProblemPlaces } from '../failures/problem-places';
import { RowView } from '../tree/row-view';
import { changeRows, changesMessage, feedbackCount } from './change-rows';
import { FeedbackActions } from './feedback-actions';
import { FeedbackLens } from './feedback-lens';
import { FeedbackStore, ReadItems } from './feedback-store';
import { FeedbackThreads } from './feedback-threads';
import { RecentMarks } from './recent-marks';

export interface FeedbackDependencies {
  readonly tokens: HostTokens;
  readonly context: vscode.ExtensionContext;
  readonly store: Store;
  readonly repositories: Repositories;
  readonly places: ProblemPlaces;
  readonly documents: CommittedDocuments;
}

/** Shows recent changes and the feedback on them in the Changes view, in editors and in comment threads. */
export class CustomerFeedback implements vscode.Disposable {
  readonly actions: FeedbackActions;
  private readonly feedback: FeedbackStore;
  private readonly view: RowView;
  private readonly disposables: vscode.Disposable;

  constructor({ context, store, repositories, places, documents, tokens }: FeedbackDependencies) {
    const isShown = (service: Service): boolean =>
      this.view.visible ||
      vscode.window.visibleTextEditors.some(({ document }) => store.serviceOf(document.uri.fsPath)?.key === service.key);
    this.feedback = new FeedbackStore(
      store,
      repositories,
      async (kind, host) => tokens.get(kind, host),
      new ReadItems(context.workspaceState),
      isShown,
    );
    const polling = new FeedbackPolling(this.feedback, () => this.view.visible);
    this.view = new RowView(
      'deliver.changes',
      (now) => changeRows(this.feedback.news, now),
      () => false,
      // A message would hide the welcome text of an empty view.
      () => (this.feedback.news.some(({ feedback }) => feedback?.recent.changes.length) ? changesMessage(store.state.services) : undefined),
      (visible) => {
        if (!visible) return;
        this.feedback.refreshSoon();
        polling.poll();
      },
    );
    const threads = new FeedbackThreads(this.feedback);
    this.actions = new FeedbackActions({ feedback: this.feedback, threads, tokens, places, documents });
    const stop = this.feedback.changed.listen(() => this.draw());
    this.disposables = vscode.Disposable.from(
      { dispose: stop },
      this.view,
      polling,
      threads,
      new RecentMarks(vscode.Uri.joinPath(context.extensionUri, 'media'), this.feedback, store, places),
      new FeedbackLens(this.feedback, store, places),
      new FixComments(this.feedback),
      this.feedback,
    );
  }

  update(services: readonly ServiceState[]): void {
    this.feedback.update(services);
    this.view.update();
  }

  /** Returns the number of open items since a time, or of all. */
  countSince(service: ServiceState, since = ''): number {
    return this.feedback.newsOf(service).feedback?.items.filter(({ item }) => item.createdAt > since).length ?? 0;
  }

  asText(): string {
    return this.view.asText();
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private draw(): void {
    this.view.update();
    const unread = this.feedback.news.reduce((sum, news) => sum + news.unread.size, 0);
    this.view.showBadge(unread, `${feedbackCount(unread)} unread`);
  }
}

const tickMs = 15_000;
const visiblePollMs = 60_000;
const hiddenPollMs = 10 * 60_000;
const filePollMs = 2_000;

/** Polls the feedback sources: often while the view is visible, rarely otherwise, never if the setting is off. */
class FeedbackPolling implements vscode.Disposable {
  private readonly timer: NodeJS.Timeout;
  private readonly events: vscode.Disposable;
  private readonly watched = new Set<string>();

  constructor(
    private readonly feedback: FeedbackStore,
    private readonly isVisible: () => boolean,
  ) {
    this.timer = setInterval(() => this.poll(), tickMs);
    this.events = vscode.Disposable.from(
      vscode.window.onDidChangeWindowState(() => this.poll()),
      vscode.workspace.onDidChangeConfiguration((change) => change.affectsConfiguration('deliver.feedback.poll') && this.poll()),
    );
  }

  /** Polls the sources whose interval has passed. */
  poll(): void {
    if (!vscode.workspace.isTrusted || !isPollingOn()) return this.unwatch();
    const isActive = this.isVisible() && vscode.window.state.focused;
    void this.feedback.refreshOlderThan(isActive ? visiblePollMs : hiddenPollMs).then(() => this.watch());
  }

  dispose(): void {
    clearInterval(this.timer);
    this.events.dispose();
    this.unwatch();
  }

  /** Watches the files of sources, also those that do not exist yet. */
  private watch(): void {
    if (!isPollingOn()) return;
    for (const file of this.feedback.watchedFiles) {
      if (this.watched.has(file)) continue;
      this.watched.add(file);
      fs.watchFile(file, { interval: filePollMs, persistent: false }, this.onFileChange);
    }
  }

  private readonly onFileChange = (now: fs.Stats, before: fs.Stats): void => {
    if (now.mtimeMs !== before.mtimeMs || now.size !== before.size) void this.feedback.refreshFiles();
  };

  private unwatch(): void {
    for (const file of this.watched) fs.unwatchFile(file, this.onFileChange);
    this.watched.clear();
  }
}

function isPollingOn(): boolean {
  return vscode.workspace.getConfiguration('deliver.feedback').get('poll', true);
}

const dayMs = 86_400_000;

/** Comments at the source when a fix is delivered, if the setting allows it. Each fix is reported once, by one window. */
class FixComments implements vscode.Disposable {
  private readonly stop: () => void;

  constructor(private readonly feedback: FeedbackStore) {
    this.stop = feedback.changed.listen(() => {
      if (vscode.workspace.getConfiguration('deliver.feedback').get('commentOnFix', false)) void this.comment();
    });
  }

  dispose(): void {
    this.stop();
  }

  private async comment(): Promise<void> {
    for (const { service, feedback, actions } of this.feedback.news) {
      for (const placed of feedback?.items ?? []) {
        const reply = actions.get(placed.source)?.reply;
        if (!reply || !isRecentlyFixed(placed)) continue;
        const fixes = (await this.feedback.feedbackOf(service))?.fixes;
        if (!placed.fix || !fixes?.claimTelling(placed.source, placed.item, placed.fix)) continue;
        const { commit, subject, delivered } = placed.fix;
        const where = delivered?.environment === undefined ? '' : ` to ${delivered.environment}`;
        const answer = await reply(placed.item, `The fix is delivered${where}: ${shortCommit(commit)} ${subject}`);
        if (!answer.ok) void vscode.window.showWarningMessage(`Could not comment on a fix at ${placed.source}: ${answer.failure.message}`);
      }
    }
  }
}

/** A fix that was delivered before the setting was turned on is not reported. */
function isRecentlyFixed({ fix }: PlacedItem): boolean {
  return fix?.delivered !== undefined && Date.parse(fix.delivered.at) > Date.now() - dayMs;
}
