import * as os from 'node:os';
import * as vscode from 'vscode';
import type { ServiceStatus } from '../../core/model/environment-status';
import type { Promotion } from '../../core/runner/promotion';
import type { Release } from '../../core/model/events';
import type { Cli } from '../app/cli';
import type { DeliveryEnd } from '../pipeline/delivery-end';
import type { CiTokens } from '../ci/ci-tokens';
import { releaseWords } from './environment-rows';
import type { CommandTarget } from '../tree/row';
import type { LiveEnvironment, ServiceState } from '../app/state';
import type { Store } from '../app/store';
import { age, joined, shortCommit } from '../../core/support/format';

/** What is done with environments and what lives in them. */
export class EnvironmentActions {
  constructor(
    private readonly cli: Cli,
    private readonly store: Store,
    private readonly end: DeliveryEnd,
    /** What goes on record at the team's CI service takes one. */
    private readonly tokens: CiTokens,
    /** How many items of feedback came since a time; absent: since ever. */
    private readonly feedbackSince: (service: ServiceState, since: string | undefined) => number,
  ) {}

  async rollBack(subject: CommandTarget): Promise<void> {
    const found = await this.pickDeployed(
      subject,
      'Roll Back',
      (service) => service.previous !== undefined,
      'No service has an earlier release to go back to.',
    );
    if (!found) return;
    const { environment, service } = found;
    const to = await pickEarlier(service);
    if (!to) return;
    const answer = await vscode.window.showWarningMessage(
      `Roll back ${service.service} in ${environment}?`,
      {
        modal: true,
        detail: `It goes from ${service.release ? releaseWords(service.release) : 'what is live'} back to ${releaseWords(to)}. Nothing in your working copy changes.`,
      },
      'Roll Back',
    );
    if (answer === undefined) return;
    await this.call(
      ['rollback', environment, '--service', service.service, '--to', to.id],
      `Rolling ${service.service} back in ${environment}`,
      `${service.service} could not be rolled back`,
      this.store.state.services.find(({ name }) => name === service.service)?.folder,
    );
  }

  /** What is live here goes on to customers, after one question with what will change. */
  async release(subject: CommandTarget): Promise<void> {
    const found = await this.pickDeployed(
      subject,
      'Release…',
      (service) => service.release !== undefined,
      'Nothing is live that could be released.',
    );
    const service = this.store.state.services.find(({ name }) => name === found?.service.service);
    if (!found) return;
    if (!service)
      return void vscode.window.showInformationMessage(
        `${found.service.service} is not a service of this window: open its folder to release it.`,
      );
    const core = await import('../../core/runner/promotion');
    const planned = await core.planRelease({
      from: service.folder,
      service: service.name,
      source: found.environment,
      env: process.env,
      program: [],
    });
    if (!planned.ok) return void vscode.window.showErrorMessage([planned.failure.message, planned.failure.hint].filter(Boolean).join('. '));
    const { target, isVerified } = planned.value;
    const since = planned.value.current?.deployedAt;
    const detail = promotionWords(planned.value, this.feedbackSince(service, since));
    const asked = await vscode.window.showWarningMessage(`Release ${service.name} to ${target}?`, { modal: true, detail }, 'Release');
    if (asked === undefined) return;
    const why = isVerified ? undefined : await askWhy(planned.value.source);
    if (!isVerified && why === undefined) return;
    const args = ['release', '--yes', '--service', service.name, '--from', found.environment, ...(why === undefined ? [] : ['--why', why])];
    await this.call(args, `Releasing ${service.name} to ${target}`, `${service.name} was not released`, service.folder);
  }

  async start(subject: CommandTarget): Promise<void> {
    const name = await this.pickEnvironment(
      subject,
      (environment) => !environment.running,
      'Start an Environment',
      'No environment is stopped.',
    );
    if (name !== undefined) await this.call(['environment', 'start', name], `Starting ${name}`, `${name} could not be started`);
  }

  /** What is stopped stays known: it can be started again as it was. */
  async stop(subject: CommandTarget): Promise<void> {
    const name = await this.pickEnvironment(
      subject,
      (environment) => environment.running,
      'Stop an Environment',
      'No environment is running.',
    );
    if (name !== undefined) await this.call(['environment', 'stop', name], `Stopping ${name}`, `${name} could not be stopped`);
  }

  async openService(subject: CommandTarget): Promise<void> {
    const url =
      subject.url ??
      (await this.pickDeployed(subject, 'Open the Service', (service) => service.url !== '', 'No service is live yet.'))?.service.url;
    if (url !== undefined && /^https?:/.test(url)) await vscode.env.openExternal(vscode.Uri.parse(url, true));
  }

  /** Called where a definition of the window may name the environment. */
  private async call(args: readonly string[], doing: string, failed: string, folder = this.folder()): Promise<void> {
    await vscode.window.withProgress({ location: { viewId: 'deliver.environments' }, title: doing }, async () => {
      const services = this.store.state.services.filter((service) => service.folder === folder);
      const end = await this.cli.start(args, folder, await this.tokens.variables(services)).end;
      if (end.code !== 0) this.end.complain(failed, end.complaint);
    });
  }

  private folder(): string {
    return this.store.state.services[0]?.folder ?? os.homedir();
  }

  private async pickDeployed(
    subject: CommandTarget,
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
    subject: CommandTarget,
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

/** The one to go back to: asks only where there are several. */
async function pickEarlier({ earlier = [] }: ServiceStatus): Promise<Release | undefined> {
  if (earlier.length <= 1) return earlier[0];
  const items = earlier.map((release, index) => ({
    label: release.subject ?? shortCommit(release.commit),
    description: joined([shortCommit(release.commit), age(release.deployedAt, Date.now()), index === 0 ? 'the previous one' : undefined]),
    release,
  }));
  return (await vscode.window.showQuickPick(items, { title: 'Roll Back', placeHolder: 'To which release?', matchOnDescription: true }))
    ?.release;
}

const shownChanges = 15;

function promotionWords({ release, current, source, changes, isVerified }: Promotion, feedback: number): string {
  const more = changes.length > shownChanges ? [`and ${changes.length - shownChanges} more`] : [];
  return [
    `${releaseWords(release)} goes from ${source} as it is: nothing is built again. Customers have ${current ? releaseWords(current) : 'nothing yet'}.`,
    '',
    ...changes.slice(0, shownChanges).map(({ subject, author }) => joined([subject, author])),
    ...more,
    ...(feedback > 0 ? ['', `${feedback} ${feedback === 1 ? 'item' : 'items'} of feedback came since.`] : []),
    ...(isVerified ? [] : ['', `It is not verified in ${source}: you will be asked why it is released.`]),
  ].join('\n');
}

async function askWhy(source: string): Promise<string | undefined> {
  return vscode.window.showInputBox({
    title: 'Release without Verification',
    prompt: `It is not verified in ${source}. Why is it released all the same? The reason is kept in the journal.`,
    ignoreFocusOut: true,
    validateInput: (text) => (text.trim() === '' ? 'Say why.' : undefined),
  });
}
