import * as vscode from 'vscode';
import type { CiTokens } from '../ci/ci-tokens';
import type { DeliveryNotifications } from '../pipeline/delivery-notifications';
import type { CommandTarget } from '../tree/row';
import type { Cli } from './cli';
import type { ServiceChoice } from './service-choice';

const scheme = 'deliver-metrics';

export interface MetricsParts {
  readonly cli: Cli;
  readonly choice: ServiceChoice;
  readonly tokens: CiTokens;
  readonly notifications: Pick<DeliveryNotifications, 'showFailure'>;
}

/** Shows the output of `deliver metrics` in a read-only document. */
export class DeliveryMetrics implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly texts = new Map<string, string>();
  private readonly disposables = [
    vscode.workspace.registerTextDocumentContentProvider(scheme, this),
    vscode.workspace.onDidCloseTextDocument(({ uri }) => this.texts.delete(uri.toString())),
    this.changed,
  ];

  constructor(private readonly parts: MetricsParts) {}

  async show(target: CommandTarget): Promise<void> {
    const { cli, choice, tokens, notifications } = this.parts;
    const service = await choice.choose(target, 'Show Delivery Metrics');
    if (!service) return;
    const progress = { location: vscode.ProgressLocation.Window, title: `Measuring the deliveries of ${service.name}` };
    const { code, output } = await vscode.window.withProgress(progress, async () =>
      cli.output(['metrics', '--service', service.name], service.folder, await tokens.environment([service])),
    );
    if (code !== 0) return notifications.showFailure(`Could not measure the deliveries of ${service.name}`, output.trim());
    const uri = vscode.Uri.from({ scheme, path: `/${service.name} delivery metrics`, query: service.key });
    this.texts.set(uri.toString(), output);
    // A document that is already open shows the new figures, too.
    this.changed.fire(uri);
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: true });
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString()) ?? 'Run “Deliver: Show Delivery Metrics” to measure again.\n';
  }

  dispose(): void {
    vscode.Disposable.from(...this.disposables).dispose();
  }
}
