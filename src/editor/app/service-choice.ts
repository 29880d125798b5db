import * as vscode from 'vscode';
import type { CommandTarget } from '../tree/row';
import { isLive, type ServiceState } from './state';
import type { Store } from './store';

/** Chooses the service that a command acts on. */
export class ServiceChoice {
  constructor(private readonly store: Store) {}

  /** Returns the service of the status bar. */
  shown(): ServiceState | undefined {
    const { services } = this.store.state;
    return this.guess() ?? services.find(isLive) ?? lastDelivered(services) ?? services[0];
  }

  /** Returns the service of the target, of the active editor, or the only one. Otherwise shows a quick pick. */
  async choose(target: CommandTarget, title: string): Promise<ServiceState | undefined> {
    const guess = this.guess(target);
    if (guess) return guess;
    const { services } = this.store.state;
    if (services.length === 0) {
      const setUp = 'Set Up Delivery';
      const answer = await vscode.window.showInformationMessage('No service found. A service needs a delivery.yaml in a Git repository.', setUp); // prettier-ignore
      if (answer === setUp) await vscode.commands.executeCommand('deliver.setUp');
      return undefined;
    }
    const items = services.map((service) => ({
      label: service.name,
      description: vscode.workspace.asRelativePath(service.folder),
      service,
    }));
    const picked = await vscode.window.showQuickPick(items, { title, placeHolder: 'Select a service', matchOnDescription: true });
    return picked?.service;
  }

  private guess(target: CommandTarget = {}): ServiceState | undefined {
    const { services } = this.store.state;
    if (target.service !== undefined) return services.find((service) => service.key === target.service);
    const file = vscode.window.activeTextEditor?.document.uri;
    const active = file?.scheme === 'file' ? this.store.serviceOf(file.fsPath)?.key : undefined;
    return services.find((service) => service.key === active) ?? (services.length === 1 ? services[0] : undefined);
  }
}

function lastDelivered(services: readonly ServiceState[]): ServiceState | undefined {
  const latest = (service: ServiceState): string => service.runs[0]?.startedAt ?? '';
  return [...services].filter((service) => latest(service) !== '').sort((a, b) => (latest(a) < latest(b) ? 1 : -1))[0];
}
