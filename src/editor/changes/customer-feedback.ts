import * as vscode from 'vscode';
import { changeRows, changesMessage } from './change-rows';
import type { CommittedDocuments } from '../failures/committed-documents';
import { FeedbackActions } from './feedback-actions';
import { FeedbackClock } from './feedback-clock';
import { FeedbackLens } from './feedback-lens';
import { FeedbackStore } from './feedback-store';
import { FeedbackThreads } from './feedback-threads';
import type { HostTokens } from '../app/host-tokens';
import { FixReports } from './fix-reports';
import type { lazyParser } from '../pipeline/parser';
import type { ProblemPlaces } from '../failures/problem-places';
import { RecentMarks } from './recent-marks';
import type { Repositories } from '../app/repositories';
import { RowView } from '../tree/row-view';
import { SeenItems } from './seen-items';
import type { Service, ServiceState } from '../app/state';
import type { Store } from '../app/store';

export interface FeedbackSurroundings {
  readonly tokens: HostTokens;
  readonly context: vscode.ExtensionContext;
  readonly store: Store;
  readonly repositories: Repositories;
  readonly places: ProblemPlaces;
  readonly documents: CommittedDocuments;
  readonly parse: ReturnType<typeof lazyParser>;
}

/** RecentDeliveries changes and what customers say of them, on all the surfaces that show them. */
export class CustomerFeedback implements vscode.Disposable {
  readonly actions: FeedbackActions;
  private readonly feedback: FeedbackStore;
  private readonly view: RowView;
  private readonly parts: vscode.Disposable;

  constructor({ context, store, repositories, places, documents, parse, tokens }: FeedbackSurroundings) {
    const isShown = (service: Service): boolean =>
      this.view.visible ||
      vscode.window.visibleTextEditors.some(({ document }) => store.serviceOf(document.uri.fsPath)?.key === service.key);
    this.feedback = new FeedbackStore(
      store,
      repositories,
      parse,
      async (kind, host) => tokens.get(kind, host),
      new SeenItems(context.workspaceState),
      isShown,
    );
    const clock = new FeedbackClock(this.feedback, () => this.view.visible);
    this.view = new RowView(
      'deliver.changes',
      (now) => changeRows(this.feedback.news, now),
      () => false,
      // Where there is nothing to show, the welcome says why, and a message would hide it.
      () =>
        this.feedback.news.some(({ feedback: known }) => known?.recent.changes.length) ? changesMessage(store.state.services) : undefined,
      (visible) => {
        if (!visible) return;
        this.feedback.look();
        clock.tick();
      },
    );
    const threads = new FeedbackThreads(this.feedback);
    this.actions = new FeedbackActions({ feedback: this.feedback, threads, tokens, places, documents });
    const stop = this.feedback.changes.listen(() => this.draw());
    this.parts = vscode.Disposable.from(
      { dispose: stop },
      this.view,
      clock,
      threads,
      new RecentMarks(vscode.Uri.joinPath(context.extensionUri, 'media'), this.feedback, store, places),
      new FeedbackLens(this.feedback, store, places),
      new FixReports(this.feedback),
      this.feedback,
    );
  }

  update(services: readonly ServiceState[]): void {
    this.feedback.update(services);
    this.view.update();
  }

  /** How many open items came since a time; absent: since ever. */
  countSince(service: ServiceState, since = ''): number {
    return this.feedback.newsOf(service).feedback?.items.filter(({ item }) => item.createdAt > since).length ?? 0;
  }

  asText(): string {
    return this.view.asText();
  }

  dispose(): void {
    this.parts.dispose();
  }

  private draw(): void {
    this.view.update();
    const unread = this.feedback.news.reduce((sum, news) => sum + news.unread.size, 0);
    this.view.showCount(unread, unread === 1 ? '1 item of feedback is new' : `${unread} items of feedback are new`);
  }
}
