import * as vscode from 'vscode';
import type { CommandTarget } from '../tree/row';
import { isLive, type ServiceState } from './state';
import type { Store } from './store';

/** Which service a command means. */
export class ServiceChoice {
  constructor(private readonly store: Store) {}

  /** Without asking: the one named, the one of the active editor, the one that runs, the only one, else none. */
  guess(subject: CommandTarget = {}): ServiceState | undefined {
    const { services } = this.store.state;
    if (subject.service !== undefined) return services.find((service) => service.key === subject.service);
    const file = vscode.window.activeTextEditor?.document.uri;
    const active = file?.scheme === 'file' ? this.store.serviceOf(file.fsPath)?.key : undefined;
    return services.find((service) => service.key === active) ?? (services.length === 1 ? services[0] : undefined);
  }

  /** The one that the status bar is about. */
  shown(): ServiceState | undefined {
    const { services } = this.store.state;
    return this.guess() ?? services.find(isLive) ?? lastDelivered(services) ?? services[0];
  }

  /** Asks where there are several; says why where there is none. */
  async choose(subject: CommandTarget, title: string): Promise<ServiceState | undefined> {
    const guess = this.guess(subject);
    if (guess) return guess;
    const { services } = this.store.state;
    if (services.length === 0) {
      const setUp = 'Set Up Delivery';
      const answer = await vscode.window.showInformationMessage(
        'There is no service in this window yet: no delivery.yaml in a git repository.',
        setUp,
      );
      if (answer === setUp) await vscode.commands.executeCommand('deliver.setUp');
      return undefined;
    }
    const items = services.map((service) => ({
      label: service.name,
      description: vscode.workspace.asRelativePath(service.folder),
      service,
    }));
    const picked = await vscode.window.showQuickPick(items, { title, placeHolder: 'Which service?', matchOnDescription: true });
    return picked?.service;
  }
}

function lastDelivered(services: readonly ServiceState[]): ServiceState | undefined {
  const latest = (service: ServiceState): string => service.runs[0]?.startedAt ?? '';
  return [...services].filter((service) => latest(service) !== '').sort((a, b) => (latest(a) < latest(b) ? 1 : -1))[0];
}
