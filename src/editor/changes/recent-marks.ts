import * as path from 'node:path';
import * as vscode from 'vscode';
import type { DeliveredChange, RecentDeliveries } from '../../core/feedback/recent';
import { confidenceWords, crowd } from '../../core/feedback/format';
import { age, joined } from '../../core/support/format';
import { Throttle } from '../app/change-event';
import type { Store } from '../app/store';
import type { ProblemPlaces } from '../failures/problem-places';
import type { CommandTarget } from '../tree/row';
import type { ServiceNews } from './change-rows';
import { currentPlace, type FeedbackStore } from './feedback-store';
import { untrustedText } from './feedback-threads';

interface Marks {
  readonly recent: vscode.DecorationOptions[];
  readonly feedback: vscode.DecorationOptions[];
}

/**
 * Marks recently delivered lines and lines with feedback in the gutter of visible editors. VS Code moves the marks while a file is
 * edited. They are computed again when it is saved.
 */
export class RecentMarks implements vscode.Disposable {
  private readonly recent: vscode.TextEditorDecorationType;
  private readonly feedbackMark: vscode.TextEditorDecorationType;
  private readonly drawing = new Throttle(() => void this.drawAll(), 100);
  private readonly events: vscode.Disposable;
  private latest = 0;

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
    const stop = feedback.changed.listen(() => this.drawing.schedule());
    this.events = vscode.Disposable.from(
      { dispose: stop },
      vscode.window.onDidChangeVisibleTextEditors(() => {
        this.feedback.refreshSoon();
        this.drawing.schedule();
      }),
      vscode.workspace.onDidSaveTextDocument(() => this.feedback.refreshSoon()),
      vscode.workspace.onDidChangeConfiguration((change) => change.affectsConfiguration('deliver.recent') && this.feedback.refreshSoon()),
    );
  }

  dispose(): void {
    this.latest += 1;
    this.drawing.dispose();
    this.events.dispose();
    this.recent.dispose();
    this.feedbackMark.dispose();
  }

  private async drawAll(): Promise<void> {
    const turn = ++this.latest;
    for (const editor of vscode.window.visibleTextEditors) {
      if (editor.document.uri.scheme !== 'file') continue;
      const { version } = editor.document;
      const marks = await this.marksOf(editor.document);
      if (turn !== this.latest) return;
      // The file was edited meanwhile, so VS Code has moved its marks.
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
      const now = await currentPlace(this.places, news.service, placed);
      if (now?.line === undefined) continue;
      const hover = byLine.get(now.line) ?? [];
      byLine.set(now.line, hover);
      // The newest item of a line comes first. The hover shows only that one.
      if (hover.length > 0) continue;
      const details = joined([crowd(item), age(item.createdAt), item.author, source, confidenceWords(place)]);
      hover.push(untrustedText(item.title, item.body?.slice(0, 500), details));
      hover.push(commandLink('Open Feedback', 'deliver.openFeedback', { service: news.service.key, item: item.id, source }));
    }
    return [...byLine].map(([line, hoverMessage]) => ({ range: new vscode.Range(line, 0, line, 10_000), hoverMessage }));
  }
}

function recentOptions(
  recent: RecentDeliveries,
  lines: readonly { readonly line: number; readonly commit: string }[],
  taken: ReadonlySet<number>,
): vscode.DecorationOptions[] {
  const changes = new Map(recent.changes.map((change) => [change.commit, change]));
  return lines.flatMap(({ line, commit }): vscode.DecorationOptions[] => {
    const change = changes.get(commit);
    if (!change || taken.has(line - 1) || !change.deliveries.some(({ isLive }) => isLive)) return [];
    return [{ range: new vscode.Range(line - 1, 0, line - 1, 0), hoverMessage: untrustedText(change.subject, whereText(change)) }];
  });
}

function whereText({ deliveries, author }: DeliveredChange): string {
  const live = deliveries.filter(({ isLive }) => isLive);
  const where = live.map(({ environment, at }) => joined(['delivered', environment && `to ${environment}`, age(at)], ' '));
  return joined([...where, author]);
}

/** Returns a link to one of the extension's commands. Only this command is trusted. */
function commandLink(label: string, command: string, target: CommandTarget): vscode.MarkdownString {
  const argument = encodeURIComponent(JSON.stringify([target])).replace(/[()]/g, (bracket) => (bracket === '(' ? '%28' : '%29'));
  const markdown = new vscode.MarkdownString(`[${label}](command:${command}?${argument})`);
  markdown.isTrusted = { enabledCommands: [command] };
  return markdown;
}
