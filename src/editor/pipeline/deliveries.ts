import * as vscode from 'vscode';
import type { Pipeline } from '../../core/model/pipeline';
import { isFinished, type RunState } from '../../core/model/run-state';
import type { Cli } from '../app/cli';
import { pickCommit } from './commit-pick';
import { contributedMatchers } from '../app/contributed-matchers';
import type { DeliveryEnd } from './delivery-end';
import type { CiName, CiTokens } from '../ci/ci-tokens';
import type { lazyParser } from './parser';
import type { CommandTarget } from '../tree/row';
import type { Secrets, SecretStore } from '../app/secrets';
import type { ServiceChoice } from '../app/service-choice';
import { currentRun, isLive, isOwn, type Service, type ServiceState } from '../app/state';
import { isWithin, type Store } from '../app/store';
import { workingDefinition } from './working-definition';

export interface DeliveryParts {
  readonly cli: Cli;
  readonly store: Store;
  readonly choice: ServiceChoice;
  readonly secrets: SecretStore;
  readonly tokens: CiTokens;
  readonly parse: ReturnType<typeof lazyParser>;
  readonly end: DeliveryEnd;
  readonly reveal: (subject: CommandTarget) => Promise<void>;
}

/** Starts and cancels deliveries; each is a process of its own. */
export class Deliveries {
  constructor(private readonly parts: DeliveryParts) {}

  /** The working tree as it is now. */
  async deliver(subject: CommandTarget): Promise<void> {
    const service = await this.parts.choice.choose(subject, 'Deliver');
    if (!service) return;
    if (vscode.workspace.getConfiguration('deliver').get('saveBeforeDelivering', true) && !(await saveAll(service))) return;
    await this.start(service, []);
  }

  /** The working tree as it is now, where the user says. */
  async deliverOn(service: ServiceState, engine: CiName | 'local'): Promise<void> {
    if (vscode.workspace.getConfiguration('deliver').get('saveBeforeDelivering', true) && !(await saveAll(service))) return;
    await this.start(service, ['--engine', engine], engine);
  }

  async deliverCommit(subject: CommandTarget): Promise<void> {
    const service = await this.parts.choice.choose(subject, 'Deliver Commit');
    if (!service) return;
    const commit = await pickCommit(service);
    if (commit !== undefined) await this.start(service, ['--commit', commit]);
  }

  /** Without a question, and without a word unless it fails. Its secrets are known. */
  async deliverByItself(service: ServiceState, commit: string): Promise<void> {
    const { values } = await this.parts.secrets.known(service);
    const there = (await workingDefinition(service, this.parts.parse))?.engine?.kind ?? 'local';
    const tokens = await this.tokensFor(service, there);
    this.launch(service, ['--commit', commit], { ...values, ...tokens }, false);
  }

  /** The same change once more; what passed need not run again. */
  async runAgain(subject: CommandTarget): Promise<void> {
    const service = await this.parts.choice.choose(subject, 'Run Again from Failed Step');
    if (!service) return;
    const run = service.runs.find((candidate) => candidate.id === subject.run) ?? service.runs.find(stopped);
    if (!run) return void vscode.window.showInformationMessage(`No delivery of ${service.name} has failed: there is nothing to run again.`);
    await this.start(service, ['--commit', run.change.commit, '--resume', run.id], run.engine?.name ?? 'local');
  }

  async cancel(subject: CommandTarget): Promise<void> {
    const live = this.parts.store.state.services.filter(isLive);
    const [only] = live;
    const service =
      subject.service === undefined && only && live.length === 1 ? only : await this.parts.choice.choose(subject, 'Cancel Delivery');
    if (!service) return;
    const run = service.runs.find((candidate) => candidate.id === subject.run) ?? currentRun(service);
    if (!run || isFinished(run.outcome)) return void vscode.window.showInformationMessage(`No delivery of ${service.name} is running.`);
    if (!isOwn(run) && !(await isMeantToEnd(run))) return;
    const tokens = run.engine ? await this.parts.tokens.environment([service], run.engine.name) : {};
    const end = await this.parts.cli.start(['cancel', '--run', run.id], service.folder, tokens).end;
    if (end.code !== 0) this.parts.end.complain('The delivery could not be cancelled', end.complaint);
  }

  /** `engine`: another one than the definition names. */
  private async start(service: ServiceState, more: readonly string[], engine?: CiName | 'local'): Promise<void> {
    const definition = await workingDefinition(service, this.parts.parse);
    const customers = customersOf(definition);
    if (customers !== undefined && !(await confirmProduction(service, customers))) return;
    const there = engine ?? definition?.engine?.kind ?? 'local';
    if (there !== 'local' && !(await this.parts.tokens.ensure(service, there))) return;
    // A CI service has secrets of its own.
    const secrets = there === 'local' ? await this.parts.secrets.collect(service) : {};
    if (!secrets) return;
    const given = { ...secrets, ...(await this.tokensFor(service, there)) };
    if (this.launch(service, [...more, ...(customers === undefined ? [] : ['--yes'])], given, true))
      void this.parts.reveal({ service: service.key });
  }

  /** Also what is deployed from here is put on record at the team's CI service. */
  private async tokensFor(service: Service, there: CiName | 'local'): Promise<Secrets> {
    const { tokens } = this.parts;
    return there === 'local' ? tokens.variables([service]) : tokens.environment([service], there);
  }

  private launch(service: ServiceState, more: readonly string[], secrets: Secrets, askedFor: boolean): boolean {
    const { cli, store, end } = this.parts;
    const matchers = contributedMatchers(service);
    const { pid, end: ending } = cli.start(['run', '--service', service.name, ...more], service.folder, {
      ...secrets,
      ...(matchers && { DELIVER_MATCHERS: JSON.stringify(matchers) }),
    });
    if (pid !== undefined) store.begin(service, pid);
    void ending.then((ended) => end.tell(service, ended, pid === undefined ? undefined : store.settled(service, pid), askedFor));
    return pid !== undefined;
  }
}

/** The environment where customers are, if a step deploys to it. */
function customersOf(pipeline: Pipeline | undefined): string | undefined {
  return pipeline?.steps.find(({ deploy }) => deploy !== undefined && deploy === pipeline.release)?.deploy;
}

async function confirmProduction(service: Service, customers: string): Promise<boolean> {
  const detail = `A step of its pipeline deploys to ${customers}, where customers are.`;
  const answer = await vscode.window.showWarningMessage(`Deliver ${service.name} to ${customers}?`, { modal: true, detail }, 'Deliver');
  return answer !== undefined;
}

async function isMeantToEnd({ engine, change }: RunState): Promise<boolean> {
  const detail = `${change.subject}\nIt was started by ${engine?.by}, on ${engine?.label}.`;
  return (
    (await vscode.window.showWarningMessage('Cancel the delivery of somebody else?', { modal: true, detail }, 'Cancel It')) !== undefined
  );
}

function stopped(run: RunState): boolean {
  return !run.promotion && (run.outcome === 'failed' || run.outcome === 'cancelled' || run.outcome === 'interrupted');
}

/** Whether everything of the repository that was changed is on the disk. */
async function saveAll(service: Service): Promise<boolean> {
  const open = vscode.workspace.textDocuments.filter(
    (document) => document.isDirty && document.uri.scheme === 'file' && isWithin(service.root, document.uri.fsPath),
  );
  const saved = await Promise.all(open.map((document) => document.save()));
  if (saved.every(Boolean)) return true;
  return (await vscode.window.showWarningMessage('Some files could not be saved.', { modal: true }, 'Deliver without Them')) !== undefined;
}
