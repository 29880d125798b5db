import * as vscode from 'vscode';
import type { Cli } from './cli';
import type { DeliveryEnd } from '../pipeline/delivery-end';
import type { CiTokens } from '../ci/ci-tokens';
import type { CommandTarget } from '../tree/row';
import type { ServiceChoice } from './service-choice';

const scheme = 'deliver-metrics';

export interface MetricsParts {
  readonly cli: Cli;
  readonly choice: ServiceChoice;
  readonly tokens: CiTokens;
  readonly end: Pick<DeliveryEnd, 'complain'>;
}

/** The delivery metrics of a service, as the command line tells them, in a read-only document. */
export class DeliveryMetrics implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly texts = new Map<string, string>();
  private readonly parts = [
    vscode.workspace.registerTextDocumentContentProvider(scheme, this),
    vscode.workspace.onDidCloseTextDocument(({ uri }) => this.texts.delete(uri.toString())),
    this.changed,
  ];

  constructor(private readonly given: MetricsParts) {}

  async show(subject: CommandTarget): Promise<void> {
    const { cli, choice, tokens, end } = this.given;
    const service = await choice.choose(subject, 'Show Delivery Metrics');
    if (!service) return;
    const measuring = { location: vscode.ProgressLocation.Window, title: `Measuring the deliveries of ${service.name}` };
    const { code, output } = await vscode.window.withProgress(measuring, async () =>
      cli.output(['metrics', '--service', service.name], service.folder, await tokens.environment([service])),
    );
    if (code !== 0) return end.complain(`The deliveries of ${service.name} could not be measured`, output.trim());
    const uri = vscode.Uri.from({ scheme, path: `/${service.name} delivery metrics`, query: service.key });
    this.texts.set(uri.toString(), output);
    // One that is open already shows them, too.
    this.changed.fire(uri);
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: true });
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString()) ?? 'The command “Deliver: Show Delivery Metrics” measures again.\n';
  }

  dispose(): void {
    vscode.Disposable.from(...this.parts).dispose();
  }
}
