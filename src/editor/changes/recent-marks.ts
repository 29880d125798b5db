import * as path from 'node:path';
import * as vscode from 'vscode';
import type { DeliveredChange, RecentDeliveries } from '../../core/feedback/recent';
import { confidenceWords, crowd } from '../../core/feedback/format';
import { Paced } from '../app/change-event';
import { feedbackPlace } from './feedback-place';
import type { FeedbackStore } from './feedback-store';
import type { ServiceNews } from './feedback-news';
import { commandLink, outsideText } from '../app/outside-text';
import type { ProblemPlaces } from '../failures/problem-places';
import type { Store } from '../app/store';
import { age, joined } from '../../core/support/format';

/** One look at a file: which of its lines are marked with what. */
interface Marks {
  readonly recent: vscode.DecorationOptions[];
  readonly feedback: vscode.DecorationOptions[];
}

/**
 * Quiet marks beside recently delivered lines of the visible editors, others where there is feedback. While
 * a file is edited the editor itself moves them; they are found anew when it is saved.
 */
export class RecentMarks implements vscode.Disposable {
  private readonly recent: vscode.TextEditorDecorationType;
  private readonly feedbackMark: vscode.TextEditorDecorationType;
  private readonly pace = new Paced(() => void this.drawAll(), 100);
  private readonly events: vscode.Disposable;
  private turn = 0;

  constructor(
    media: vscode.Uri,
    private readonly feedback: FeedbackStore,
    private readonly store: Store,
    private readonly places: ProblemPlaces,
  ) {
    const icon = (name: string): vscode.Uri => vscode.Uri.joinPath(media, `${name}.svg`);
    this.recent = vscode.window.createTextEditorDecorationType({ gutterIconPath: icon('mark-recent'), gutterIconSize: 'contain' });
    this.feedbackMark = vscode.window.createTextEditorDecorationType({
      light: { gutterIconPath: icon('mark-feedback-light') },
      dark: { gutterIconPath: icon('mark-feedback-dark') },
      gutterIconSize: 'contain',
      overviewRulerColor: new vscode.ThemeColor('editorOverviewRuler.infoForeground'),
      overviewRulerLane: vscode.OverviewRulerLane.Left,
    });
    const stop = feedback.changes.listen(() => this.pace.ask());
    this.events = vscode.Disposable.from(
      { dispose: stop },
      vscode.window.onDidChangeVisibleTextEditors(() => {
        this.feedback.look();
        this.pace.ask();
      }),
      vscode.workspace.onDidSaveTextDocument(() => this.feedback.look()),
      vscode.workspace.onDidChangeConfiguration((change) => change.affectsConfiguration('deliver.recent') && this.feedback.look()),
    );
  }

  dispose(): void {
    this.turn += 1;
    this.pace.dispose();
    this.events.dispose();
    this.recent.dispose();
    this.feedbackMark.dispose();
  }

  private async drawAll(): Promise<void> {
    const turn = ++this.turn;
    for (const editor of vscode.window.visibleTextEditors) {
      if (editor.document.uri.scheme !== 'file') continue;
      const { version } = editor.document;
      const marks = await this.marksOf(editor.document);
      if (turn !== this.turn) return;
      // It was edited meanwhile: the marks that it has moved along.
      if (editor.document.version !== version) continue;
      editor.setDecorations(this.recent, marks.recent);
      editor.setDecorations(this.feedbackMark, marks.feedback);
    }
  }

  private async marksOf(document: vscode.TextDocument): Promise<Marks> {
    const service = this.store.serviceOf(document.uri.fsPath);
    const state = service && this.store.state.services.find(({ key }) => key === service.key);
    const news = state && this.feedback.newsOf(state);
    const core = state && news?.feedback && (await this.feedback.feedbackOf(state));
    if (!news?.feedback || !core || !vscode.workspace.getConfiguration('deliver.recent').get('marks', true))
      return { recent: [], feedback: [] };
    const name = path.relative(news.service.root, document.uri.fsPath).split(path.sep).join('/');
    const { recent } = news.feedback;
    const lines = recent.changes.some(({ files }) => files.some((file) => file.path === name))
      ? await core.linesOf(recent, name, document.getText())
      : [];
    const feedback = await this.feedbackOn(news, document.uri);
    const taken = new Set(feedback.map(({ range }) => range.start.line));
    return { recent: recentOptions(recent, lines, taken), feedback };
  }

  private async feedbackOn(news: ServiceNews, uri: vscode.Uri): Promise<vscode.DecorationOptions[]> {
    const byLine = new Map<number, vscode.MarkdownString[]>();
    for (const placed of news.feedback?.items ?? []) {
      const { item, source } = placed;
      const [place] = placed.places;
      if (!place || path.join(news.service.root, place.path) !== uri.fsPath) continue;
      const now = await feedbackPlace(this.places, news.service, placed);
      if (now?.line === undefined) continue;
      const hover = byLine.get(now.line) ?? [];
      byLine.set(now.line, hover);
      // The newest comes first: all are there when the row is opened.
      if (hover.length > 0) continue;
      const words = joined([crowd(item), age(item.createdAt, Date.now()), item.author, source, confidenceWords(place)]);
      hover.push(outsideText(item.title, item.body?.slice(0, 500), words));
      hover.push(commandLink('Open the Feedback', 'deliver.openFeedback', { service: news.service.key, item: item.id, source }));
    }
    return [...byLine].map(([line, hoverMessage]) => ({ range: new vscode.Range(line, 0, line, 10_000), hoverMessage }));
  }
}

/** Lines that follow each other and came with the same change are one passage. */
function recentOptions(
  recent: RecentDeliveries,
  lines: readonly { readonly line: number; readonly commit: string }[],
  taken: ReadonlySet<number>,
): vscode.DecorationOptions[] {
  const changes = new Map(recent.changes.map((change) => [change.commit, change]));
  return lines.flatMap(({ line, commit }): vscode.DecorationOptions[] => {
    const change = changes.get(commit);
    if (!change || taken.has(line - 1) || !change.deliveries.some(({ isLive }) => isLive)) return [];
    return [{ range: new vscode.Range(line - 1, 0, line - 1, 0), hoverMessage: outsideText(change.subject, whereWords(change)) }];
  });
}

function whereWords({ deliveries, author }: DeliveredChange): string {
  const live = deliveries.filter(({ isLive }) => isLive);
  const where = live.map(({ environment, at }) => joined(['delivered', environment && `to ${environment}`, age(at, Date.now())], ' '));
  return joined([...where, author]);
}
