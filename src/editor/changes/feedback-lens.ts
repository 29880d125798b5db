import * as vscode from 'vscode';
import type { PlacedItem } from '../../core/feedback/placed-item';
import { crowd } from '../../core/feedback/format';
import { joined } from '../../core/support/format';
import type { Store } from '../app/store';
import type { ProblemPlaces } from '../failures/problem-places';
import { currentPlace, type FeedbackStore } from './feedback-store';

const setting = 'deliver.feedback.codeLens';

/** Shows feedback as a CodeLens above its line, if the setting is on. */
export class FeedbackLens implements vscode.CodeLensProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.changed.event;
  private registration: vscode.Disposable | undefined;
  private readonly events: vscode.Disposable;

  constructor(
    private readonly feedback: FeedbackStore,
    private readonly store: Store,
    private readonly places: ProblemPlaces,
  ) {
    const stop = feedback.changed.listen(() => this.changed.fire());
    this.events = vscode.Disposable.from(
      { dispose: stop },
      vscode.workspace.onDidChangeConfiguration((change) => change.affectsConfiguration(setting) && this.switch()),
    );
    this.switch();
  }

  async provideCodeLenses(document: vscode.TextDocument): Promise<vscode.CodeLens[]> {
    const owner = this.store.serviceOf(document.uri.fsPath);
    const service = this.store.state.services.find(({ key }) => key === owner?.key);
    if (!service) return [];
    const lenses = await Promise.all(
      (this.feedback.newsOf(service).feedback?.items ?? []).map(async (placed) => {
        const [place] = placed.places;
        if (!place || !document.uri.path.endsWith(`/${place.path}`)) return [];
        const now = await currentPlace(this.places, service, placed);
        if (now?.line === undefined || now.uri.toString() !== document.uri.toString()) return [];
        return [new vscode.CodeLens(new vscode.Range(now.line, 0, now.line, 0), commandOf(service.key, placed))];
      }),
    );
    return lenses.flat();
  }

  dispose(): void {
    this.registration?.dispose();
    this.events.dispose();
    this.changed.dispose();
  }

  private switch(): void {
    this.registration?.dispose();
    const isOn = vscode.workspace.getConfiguration().get(setting, false);
    this.registration = isOn ? vscode.languages.registerCodeLensProvider({ scheme: 'file' }, this) : undefined;
  }
}

function commandOf(service: string, { item, source }: PlacedItem): vscode.Command {
  // VS Code would draw `$(name)` as an icon.
  const title = joined([item.title.replace(/\$\(/g, '$\u200B('), crowd(item)]);
  return { title: `$(comment) ${title}`, command: 'deliver.openFeedback', arguments: [{ service, item: item.id, source }] };
}
