import * as vscode from 'vscode';
import { ciServices, findCiService } from '../../core/ci/registry';
import type { Cli } from '../app/cli';
import type { Deliveries } from '../pipeline/deliveries';
import type { DeliveryEnd } from '../pipeline/delivery-end';
import type { CommandTarget } from '../tree/row';
import type { ServiceChoice } from '../app/service-choice';
import type { ServiceState } from '../app/state';
import type { CiName, CiTokens } from './ci-tokens';

export interface CiParts {
  readonly cli: Cli;
  readonly choice: ServiceChoice;
  readonly tokens: CiTokens;
  readonly deliveries: Pick<Deliveries, 'deliverOn'>;
  readonly end: Pick<DeliveryEnd, 'complain'>;
  /** There is another token: whoever asks with the old one begins anew. */
  readonly signedIn: () => void;
}

/** What is done with CI services and the runs on them. */
export class CiActions {
  constructor(private readonly parts: CiParts) {}

  /** Delivers the working tree where the user says. The engine's own pipeline is written first, where it is missing or out of date. */
  async runOn(subject: CommandTarget): Promise<void> {
    const service = await this.parts.choice.choose(subject, 'Run on…');
    if (!service) return;
    const name = await this.pickEngine(service);
    if (name === undefined) return;
    if (name !== 'local' && !(await this.isWritten(service, name))) return;
    await this.parts.deliveries.deliverOn(service, name);
  }

  /** Asks for a token, and tries it. */
  async signIn(subject: CommandTarget): Promise<void> {
    const { tokens, choice } = this.parts;
    const service = await choice.choose(subject, 'Sign in to the CI Service');
    if (!service) return;
    const engine = await tokens.hostOf(service, engineOf(service, subject));
    if (!engine)
      return void vscode.window.showInformationMessage(`delivery.yaml names no CI service that ${service.name} runs on (engine: github).`);
    if (!(await tokens.tokens.ask(engine.kind, engine.host))) return;
    await this.tryToken(service, engine.kind);
    this.parts.signedIn();
  }

  /** Lets a deployment go on that waits for a person, after one question. */
  async approve({ service: key, run, environment }: CommandTarget): Promise<void> {
    const service = await this.parts.choice.choose({ ...(key !== undefined && { service: key }) }, 'Approve a Deployment');
    const meant = service?.runs.find((one) => (run === undefined ? one.steps.some(({ approval }) => approval) : one.id === run));
    const name = environment ?? meant?.steps.find(({ approval }) => approval)?.approval;
    if (!service || !meant?.engine || name === undefined)
      return void vscode.window.showInformationMessage('No deployment waits for a person.');
    const what = `Let ${service.name} go on to ${name}?`;
    const answer = await vscode.window.showWarningMessage(what, { modal: true, detail: `${meant.change.subject}\nIt waits at ${meant.engine.label}.` }, 'Approve'); // prettier-ignore
    if (answer === undefined) return;
    const environmentOfCall = await this.parts.tokens.environment([service], meant.engine.name);
    const args = ['approve', name, '--run', meant.id, '--service', service.name];
    const end = await this.parts.cli.start(args, service.folder, environmentOfCall).end;
    if (end.code !== 0) this.parts.end.complain(`${name} could not be approved`, end.complaint);
  }

  /** The page of a run at its CI service. */
  async openRun({ service: key, run }: CommandTarget): Promise<void> {
    const service = await this.parts.choice.choose({ ...(key !== undefined && { service: key }) }, 'Open the Run in the Browser');
    const meant = service?.runs.find((one) => (run === undefined ? one.engine !== undefined : one.id === run));
    const url = meant?.engine?.url;
    if (url === undefined || !/^https?:\/\//.test(url))
      return void vscode.window.showInformationMessage('This run has no page: it is on this machine.');
    await vscode.env.openExternal(vscode.Uri.parse(url, true));
  }

  private async pickEngine(service: ServiceState): Promise<CiName | 'local' | undefined> {
    const known: { label: string; description: string; name: CiName | 'local' }[] = [
      { label: 'This machine', description: '', name: 'local' },
    ];
    for (const { kind: name, label } of ciServices) {
      const host = await this.parts.tokens.hostOf(service, name);
      if (host) known.push({ label, description: new URL(host.host).host, name });
    }
    const picked = await vscode.window.showQuickPick(known, { title: `Run ${service.name} on…`, placeHolder: 'Where do the steps run?' });
    return picked?.name;
  }

  /** Whether the repository holds what the engine would run, as delivery.yaml says it now. */
  private async isWritten(service: ServiceState, name: CiName): Promise<boolean> {
    const dry = await this.output(['export', name, '--dry-run', '--json'], service);
    const missing = dry.code === 0 ? missingIn(dry.output) : [];
    // What is wrong with it is said by the delivery itself.
    if (missing.length === 0) return true;
    const write = 'Write and Run';
    const detail = `${missing.join('\n')}\n\nThe pipeline of ${labelOf(name)} is written from delivery.yaml. Your own marked lines stay.`;
    const answer = await vscode.window.showInformationMessage(`Write the pipeline of ${labelOf(name)}?`, { modal: true, detail }, write);
    if (answer === undefined) return false;
    const end = await this.parts.cli.start(['export', name], service.folder).end;
    if (end.code === 0) return true;
    this.parts.end.complain('The pipeline could not be written', end.complaint);
    return false;
  }

  private async tryToken(service: ServiceState, name: CiName): Promise<void> {
    const { code, output } = await this.output(['engine', name, '--service', service.name], service, name);
    const [first = ''] = output.trim().split('\n');
    if (code === 0) void vscode.window.showInformationMessage(`${first.replace(/^\S\s+/, '')}.`);
    else this.parts.end.complain(`${labelOf(name)} does not let you in`, output.trim());
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

/** That of the run or record that was clicked on, else the one that the definition names. */
function engineOf({ runs, engine }: ServiceState, { run }: CommandTarget): CiName | undefined {
  return runs.find(({ id }) => id === run)?.engine?.name ?? engine?.name;
}

/** Files that would be written, of what `deliver export --dry-run --json` says. */
function missingIn(output: string): string[] {
  try {
    const { files } = JSON.parse(output) as { readonly files: readonly { readonly path: string; readonly state: string }[] };
    return files.filter(({ state }) => state !== 'unchanged').map(({ path }) => path);
  } catch {
    return [];
  }
}
