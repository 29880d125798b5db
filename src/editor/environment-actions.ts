import * as os from 'node:os';
import * as vscode from 'vscode';
import type { ServiceStatus } from '../core/environments/environment';
import type { Cli } from './cli';
import type { DeliveryEnd } from './delivery-end';
import { releaseWords } from './environment-rows';
import type { Subject } from './row';
import type { LiveEnvironment } from './state';
import type { Store } from './store';

/** What is done with environments and what lives in them. */
export class EnvironmentActions {
  constructor(
    private readonly cli: Cli,
    private readonly store: Store,
    private readonly end: DeliveryEnd,
  ) {}

  async rollBack(subject: Subject): Promise<void> {
    const found = await this.pickDeployed(
      subject,
      'Roll Back',
      (service) => service.previous !== undefined,
      'No service has an earlier release to go back to.',
    );
    const previous = found?.service.previous;
    if (!found || !previous) return;
    const { environment, service } = found;
    const answer = await vscode.window.showWarningMessage(
      `Roll back ${service.service} in ${environment}?`,
      {
        modal: true,
        detail: `It goes from ${service.release ? releaseWords(service.release) : 'what is live'} back to ${releaseWords(previous)}. Nothing in your working copy changes.`,
      },
      'Roll Back',
    );
    if (answer === undefined) return;
    await this.call(
      ['rollback', environment, '--service', service.service],
      `Rolling ${service.service} back in ${environment}`,
      `${service.service} could not be rolled back`,
    );
  }

  async start(subject: Subject): Promise<void> {
    const name = await this.pickEnvironment(
      subject,
      (environment) => !environment.running,
      'Start an Environment',
      'No environment is stopped.',
    );
    if (name !== undefined) await this.call(['environment', 'start', name], `Starting ${name}`, `${name} could not be started`);
  }

  /** What is stopped stays known: it can be started again as it was. */
  async stop(subject: Subject): Promise<void> {
    const name = await this.pickEnvironment(
      subject,
      (environment) => environment.running,
      'Stop an Environment',
      'No environment is running.',
    );
    if (name !== undefined) await this.call(['environment', 'stop', name], `Stopping ${name}`, `${name} could not be stopped`);
  }

  async openService(subject: Subject): Promise<void> {
    const url =
      subject.url ??
      (await this.pickDeployed(subject, 'Open the Service', (service) => service.url !== '', 'No service is live yet.'))?.service.url;
    if (url !== undefined && /^https?:/.test(url)) await vscode.env.openExternal(vscode.Uri.parse(url, true));
  }

  private async call(args: readonly string[], doing: string, failed: string): Promise<void> {
    await vscode.window.withProgress({ location: { viewId: 'deliver.environments' }, title: doing }, async () => {
      const end = await this.cli.start(args, os.homedir()).end;
      if (end.code !== 0) this.end.complain(failed, end.complaint);
    });
  }

  private async pickDeployed(
    subject: Subject,
    title: string,
    fits: (service: ServiceStatus) => boolean,
    none: string,
  ): Promise<{ readonly environment: string; readonly service: ServiceStatus } | undefined> {
    const { environments, services } = this.store.state;
    const name = subject.deployed ?? services.find((service) => service.key === subject.service)?.name;
    const items = environments
      .filter((environment) => subject.environment === undefined || environment.name === subject.environment)
      .flatMap((environment) => environment.services.map((service) => ({ label: service.service, description: environment.name, service })))
      .filter((item) => (name === undefined || item.label === name) && fits(item.service));
    const [only] = items;
    if (!only) return void vscode.window.showInformationMessage(none);
    const picked =
      items.length === 1
        ? only
        : await vscode.window.showQuickPick(items, { title, placeHolder: 'Which service?', matchOnDescription: true });
    return picked && { environment: picked.description, service: picked.service };
  }

  private async pickEnvironment(
    subject: Subject,
    fits: (environment: LiveEnvironment) => boolean,
    title: string,
    none: string,
  ): Promise<string | undefined> {
    if (subject.environment !== undefined) return subject.environment;
    const names = this.store.state.environments.filter(fits).map((environment) => environment.name);
    if (names.length === 0) return void vscode.window.showInformationMessage(none);
    return names.length === 1 ? names[0] : vscode.window.showQuickPick(names, { title, placeHolder: 'Which environment?' });
  }
}
