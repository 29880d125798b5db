import * as os from 'node:os';
import * as vscode from 'vscode';
import type { Release } from '../../core/model/events';
import type { ServiceStatus } from '../../core/model/environment-status';
import type { Promotion } from '../../core/runner/promotion';
import { age, counted, joined, shortCommit } from '../../core/support/format';
import type { Cli } from '../app/cli';
import type { LiveEnvironment, ServiceState } from '../app/state';
import type { Store } from '../app/store';
import type { CiTokens } from '../ci/ci-tokens';
import type { DeliveryNotifications } from '../pipeline/delivery-notifications';
import type { CommandTarget } from '../tree/row';
import { releaseText } from './environment-rows';

/** The commands on environments and their services. */
export class EnvironmentActions {
  constructor(
    private readonly cli: Cli,
    private readonly store: Store,
    private readonly notifications: DeliveryNotifications,
    /** Needed to record deployments at the CI service. */
    private readonly tokens: CiTokens,
    /** Returns the number of feedback items since a time, or of all if it is undefined. */
    private readonly feedbackSince: (service: ServiceState, since: string | undefined) => number,
  ) {}

  async rollBack(target: CommandTarget): Promise<void> {
    const found = await this.pickDeployed(
      target,
      'Roll Back',
      (service) => service.previous !== undefined,
      'No service has an earlier release to roll back to.',
    );
    if (!found) return;
    const { environment, service } = found;
    const to = await pickEarlier(service);
    if (!to) return;
    const from = service.release ? `From ${releaseText(service.release)}\n` : '';
    const answer = await vscode.window.showWarningMessage(
      `Roll back ${service.service} in ${environment}?`,
      { modal: true, detail: `${from}To ${releaseText(to)}\n\nYour working copy does not change.` },
      'Roll Back',
    );
    if (answer === undefined) return;
    await this.runCli(
      ['rollback', environment, '--service', service.service, '--to', to.id],
      `Rolling back ${service.service} in ${environment}`,
      `Could not roll back ${service.service}`,
      service.owner?.folder ?? this.store.state.services.find(({ name }) => name === service.service)?.folder,
    );
  }

  /** Promotes the live release to production after a confirmation that shows the changes. */
  async release(target: CommandTarget): Promise<void> {
    const found = await this.pickDeployed(target, 'Release…', (service) => service.release !== undefined, 'Nothing is live to release.');
    if (!found) return;
    const service = this.store.state.services.find(({ name }) => name === found.service.service);
    if (!service)
      return void vscode.window.showInformationMessage(
        `${found.service.service} is not a service in this window. Open its folder to release it.`,
      );
    const core = await import('../../core/runner/promotion');
    const planned = await core.planRelease({
      from: service.folder,
      service: service.name,
      source: found.environment,
      env: process.env,
      program: [],
    });
    if (!planned.ok) return void vscode.window.showErrorMessage(joined([planned.failure.message, planned.failure.hint], '. '));
    const { target: production, isVerified, source } = planned.value;
    const since = planned.value.current?.deployedAt;
    const detail = promotionText(planned.value, this.feedbackSince(service, since));
    const title = `Release ${service.name} to ${production}?`;
    if ((await vscode.window.showWarningMessage(title, { modal: true, detail }, 'Release')) === undefined) return;
    const reason = isVerified ? undefined : await promptForReason(source);
    if (!isVerified && reason === undefined) return;
    const options = reason === undefined ? [] : ['--why', reason];
    const args = ['release', '--yes', '--service', service.name, '--from', found.environment, ...options];
    await this.runCli(args, `Releasing ${service.name} to ${production}`, `Could not release ${service.name}`, service.folder);
  }

  async start(target: CommandTarget): Promise<void> {
    const name = await this.pickEnvironment(target, ({ running }) => !running, 'Start Environment', 'No environment is stopped.');
    if (name !== undefined) await this.runCli(['environment', 'start', name, '--all'], `Starting ${name}`, `Could not start ${name}`);
  }

  /** Stops an environment after a confirmation. It keeps its releases, so it can be started again. */
  async stop(target: CommandTarget): Promise<void> {
    const name = await this.pickEnvironment(target, ({ running }) => running, 'Stop Environment', 'No environment is running.');
    const environment = this.store.state.environments.find((one) => one.name === name);
    if (name === undefined || !environment) return;
    const services = environment.services.filter(({ state }) => state !== 'stopped');
    const detail = [
      ...(environment.services.some(({ isProduction }) => isProduction) ? ['Your customers use this environment.', ''] : []),
      ...services.map(({ service, owner }) => (owner ? `${service}, from ${owner.folder}` : service)),
      '',
      'The releases are kept. Start Environment starts them again.',
    ];
    const question = `Stop ${counted(services.length, 'service')} in ${name}?`;
    if ((await vscode.window.showWarningMessage(question, { modal: true, detail: detail.join('\n') }, 'Stop')) === undefined) return;
    await this.runCli(['environment', 'stop', name, '--all', '--yes'], `Stopping ${name}`, `Could not stop ${name}`);
  }

  async openService(target: CommandTarget): Promise<void> {
    const url =
      target.url ??
      (await this.pickDeployed(target, 'Open Service', (service) => service.url !== '', 'No service is live yet.'))?.service.url;
    if (url !== undefined && /^https?:/.test(url)) await vscode.env.openExternal(vscode.Uri.parse(url, true));
  }

  /** Runs the command line in a folder whose definition may contain the environment. */
  private async runCli(args: readonly string[], title: string, failed: string, folder = this.folder()): Promise<void> {
    await vscode.window.withProgress({ location: { viewId: 'deliver.environments' }, title }, async () => {
      const services = this.store.state.services.filter((service) => service.folder === folder);
      const exit = await this.cli.start(args, folder, await this.tokens.variables(services)).exit;
      if (exit.code !== 0) this.notifications.showFailure(failed, exit.stderr);
    });
  }

  private folder(): string {
    return this.store.state.services[0]?.folder ?? os.homedir();
  }

  private async pickDeployed(
    target: CommandTarget,
    title: string,
    matches: (service: ServiceStatus) => boolean,
    noneMessage: string,
  ): Promise<{ readonly environment: string; readonly service: ServiceStatus } | undefined> {
    const { environments, services } = this.store.state;
    const name = target.deployed ?? services.find((service) => service.key === target.service)?.name;
    const items = environments
      .filter((environment) => target.environment === undefined || environment.name === target.environment)
      .flatMap((environment) => environment.services.map((service) => ({ label: service.service, description: environment.name, service })))
      .filter((item) => (name === undefined || item.label === name) && matches(item.service));
    const [only] = items;
    if (!only) return void vscode.window.showInformationMessage(noneMessage);
    const picked =
      items.length === 1
        ? only
        : await vscode.window.showQuickPick(items, { title, placeHolder: 'Select a service', matchOnDescription: true });
    return picked && { environment: picked.description, service: picked.service };
  }

  private async pickEnvironment(
    target: CommandTarget,
    matches: (environment: LiveEnvironment) => boolean,
    title: string,
    noneMessage: string,
  ): Promise<string | undefined> {
    if (target.environment !== undefined) return target.environment;
    const names = this.store.state.environments.filter(matches).map((environment) => environment.name);
    if (names.length === 0) return void vscode.window.showInformationMessage(noneMessage);
    return names.length === 1 ? names[0] : vscode.window.showQuickPick(names, { title, placeHolder: 'Select an environment' });
  }
}

/** Returns the release to roll back to. Shows a quick pick if several are kept. */
async function pickEarlier({ earlier = [] }: ServiceStatus): Promise<Release | undefined> {
  if (earlier.length <= 1) return earlier[0];
  const items = earlier.map((release, index) => ({
    label: release.subject ?? shortCommit(release.commit),
    description: joined([shortCommit(release.commit), age(release.deployedAt), index === 0 ? 'previous release' : undefined]),
    release,
  }));
  return (await vscode.window.showQuickPick(items, { title: 'Roll Back', placeHolder: 'Select a release', matchOnDescription: true }))
    ?.release;
}

const maxChanges = 15;

function promotionText({ release, current, source, target, changes, isVerified }: Promotion, feedback: number): string {
  const more = changes.length > maxChanges ? [`and ${changes.length - maxChanges} more`] : [];
  return [
    `${releaseText(release)} is deployed from ${source} without a new build.`,
    current ? `In ${target} now: ${releaseText(current)}.` : `Nothing is in ${target} yet.`,
    '',
    ...changes.slice(0, maxChanges).map(({ subject, author }) => joined([subject, author])),
    ...more,
    ...(feedback > 0 ? ['', `${counted(feedback, 'feedback item')} since then.`] : []),
    ...(isVerified ? [] : ['', `Not verified in ${source}. You must enter a reason for the release.`]),
  ].join('\n');
}

async function promptForReason(source: string): Promise<string | undefined> {
  return vscode.window.showInputBox({
    title: 'Release without Verification',
    prompt: `Not verified in ${source}. Reason for releasing anyway? The journal records it.`,
    ignoreFocusOut: true,
    validateInput: (text) => (text.trim() === '' ? 'Enter a reason.' : undefined),
  });
}
