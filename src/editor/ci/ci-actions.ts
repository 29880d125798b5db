import * as vscode from 'vscode';
import { ciServices, findCiService } from '../../core/ci/registry';
import { shortLabel } from '../../core/support/format';
import type { Cli } from '../app/cli';
import type { ServiceChoice } from '../app/service-choice';
import type { ServiceState } from '../app/state';
import type { Deliveries } from '../pipeline/deliveries';
import type { DeliveryNotifications } from '../pipeline/delivery-notifications';
import type { CommandTarget } from '../tree/row';
import type { CiName, CiTokens } from './ci-tokens';

export interface CiParts {
  readonly cli: Cli;
  readonly choice: ServiceChoice;
  readonly tokens: CiTokens;
  readonly deliveries: Pick<Deliveries, 'runOn'>;
  readonly notifications: Pick<DeliveryNotifications, 'showFailure'>;
  /** Called after a token was entered. */
  readonly onSignIn: () => void;
}

/** The commands on CI services and their runs. */
export class CiActions {
  constructor(private readonly parts: CiParts) {}

  /** Delivers the working tree on a selected CI service. First offers to write its pipeline if that is missing or out of date. */
  async runOn(target: CommandTarget): Promise<void> {
    const service = await this.parts.choice.choose(target, 'Run On…');
    if (!service) return;
    const name = await this.pickCi(service);
    if (name === undefined) return;
    if (name !== 'local' && !(await this.ensurePipeline(service, name))) return;
    await this.parts.deliveries.runOn(service, name);
  }

  /** Prompts for a token and tries it. */
  async signIn(target: CommandTarget): Promise<void> {
    const { tokens, choice } = this.parts;
    const service = await choice.choose(target, 'Sign In to CI');
    if (!service) return;
    const host = await tokens.hostOf(service, ciOf(service, target));
    if (!host)
      return void vscode.window.showInformationMessage(
        `delivery.yaml contains no CI service for ${service.name}. Add one, such as engine: github.`,
      );
    if (!(await tokens.tokens.prompt(host.kind, host.host))) return;
    await this.tryToken(service, host.kind);
    this.parts.onSignIn();
  }

  /** Approves a deployment that is waiting, after a confirmation. */
  async approve({ service: key, run: id, environment: approved }: CommandTarget): Promise<void> {
    const service = await this.parts.choice.choose({ service: key }, 'Approve Deployment');
    const run = service?.runs.find((candidate) =>
      id === undefined ? candidate.steps.some(({ approval }) => approval) : candidate.id === id,
    );
    const environment = approved ?? run?.steps.find(({ approval }) => approval)?.approval;
    if (!service || !run?.engine || environment === undefined)
      return void vscode.window.showInformationMessage('No deployment is waiting for approval.');
    const answer = await vscode.window.showWarningMessage(
      `Approve the deployment of ${service.name} to ${environment}?`,
      { modal: true, detail: `${run.change.subject}\nWaiting on ${run.engine.label}` },
      'Approve',
    );
    if (answer === undefined) return;
    const tokens = await this.parts.tokens.environment([service], run.engine.name);
    const args = ['approve', environment, '--run', run.id, '--service', service.name];
    const exit = await this.parts.cli.start(args, service.folder, tokens).exit;
    if (exit.code !== 0) this.parts.notifications.showFailure(`Could not approve ${environment}`, exit.stderr);
  }

  /** Opens the page of a run on its CI service. */
  async openRun({ service: key, run: id }: CommandTarget): Promise<void> {
    const service = await this.parts.choice.choose({ service: key }, 'Open Run in Browser');
    const run = service?.runs.find((candidate) => (id === undefined ? candidate.engine !== undefined : candidate.id === id));
    const url = run?.engine?.url;
    if (url === undefined || !/^https?:\/\//.test(url))
      return void vscode.window.showInformationMessage('This run has no page, because it runs on this machine.');
    await vscode.env.openExternal(vscode.Uri.parse(url, true));
  }

  private async pickCi(service: ServiceState): Promise<CiName | 'local' | undefined> {
    const items: { label: string; description: string; name: CiName | 'local' }[] = [
      { label: 'This machine', description: '', name: 'local' },
    ];
    for (const { kind: name, label } of ciServices) {
      const host = await this.parts.tokens.hostOf(service, name);
      if (host) items.push({ label, description: new URL(host.host).host, name });
    }
    const picked = await vscode.window.showQuickPick(items, { title: `Run ${service.name} On…`, placeHolder: 'Select where to run the steps' }); // prettier-ignore
    return picked?.name;
  }

  /** Returns true if the CI service's pipeline is up to date with delivery.yaml. Offers to write it otherwise. */
  private async ensurePipeline(service: ServiceState, name: CiName): Promise<boolean> {
    const dry = await this.output(['export', name, '--dry-run', '--json'], service);
    // The delivery itself reports an export that fails.
    const outdated = dry.code === 0 ? outdatedFiles(dry.output) : [];
    if (outdated.length === 0) return true;
    const write = 'Write and Run';
    const detail = `${outdated.join('\n')}\n\nDeliver writes these files from delivery.yaml and keeps the regions that you marked.`;
    const answer = await vscode.window.showInformationMessage(`Write the pipeline for ${labelOf(name)}?`, { modal: true, detail }, write);
    if (answer === undefined) return false;
    const exit = await this.parts.cli.start(['export', name], service.folder).exit;
    if (exit.code === 0) return true;
    this.parts.notifications.showFailure('Could not write the pipeline', exit.stderr);
    return false;
  }

  private async tryToken(service: ServiceState, name: CiName): Promise<void> {
    const { code, output } = await this.output(['engine', name, '--service', service.name], service, name);
    const [first = ''] = output.trim().split('\n');
    if (code === 0) void vscode.window.showInformationMessage(`${first.replace(/^\S\s+/, '')}.`);
    else this.parts.notifications.showFailure(`${shortLabel(labelOf(name))} sign-in failed`, output.trim());
  }

  private async output(
    args: readonly string[],
    service: ServiceState,
    name?: CiName,
  ): Promise<{ readonly code: number | undefined; readonly output: string }> {
    const environment = name === undefined ? {} : await this.parts.tokens.environment([service], name);
    return this.parts.cli.output(args, service.folder, environment);
  }
}

function labelOf(name: CiName): string {
  return findCiService(name)?.label ?? name;
}

/** Returns the CI service of the run or record that was clicked; undefined for the one in the definition. */
function ciOf({ runs, ciRecord }: ServiceState, { run }: CommandTarget): CiName | undefined {
  return runs.find(({ id }) => id === run)?.engine?.name ?? ciRecord?.name;
}

/** Returns the files that `deliver export --dry-run --json` would write. */
function outdatedFiles(output: string): string[] {
  try {
    const { files } = JSON.parse(output) as { readonly files: readonly { readonly path: string; readonly state: string }[] };
    return files.filter(({ state }) => state !== 'unchanged').map(({ path }) => path);
  } catch {
    return [];
  }
}
