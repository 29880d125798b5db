import * as fs from 'node:fs';
import * as vscode from 'vscode';
import { git } from '../../core/git/git';
import type { Contributed } from '../../core/logs/matchers/definition';
import type { Pipeline } from '../../core/model/pipeline';
import { isFinished, type RunState } from '../../core/model/run-state';
import { age, joined, shortCommit, wordList } from '../../core/support/format';
import type { Cli } from '../app/cli';
import type { Secrets, SecretStore } from '../app/secrets';
import type { ServiceChoice } from '../app/service-choice';
import { currentRun, isLive, isStartedHere, type Service, type ServiceState } from '../app/state';
import { isWithin, type Store } from '../app/store';
import type { EngineName } from '../../core/ci/ci-service';
import type { CiTokens } from '../ci/ci-tokens';
import type { CommandTarget } from '../tree/row';
import type { DeliveryNotifications } from './delivery-notifications';
import { workingDefinition } from './parser';
import { canRunAgain } from './run-rows';

export interface DeliveryParts {
  readonly cli: Cli;
  readonly store: Store;
  readonly choice: ServiceChoice;
  readonly secrets: SecretStore;
  readonly tokens: CiTokens;
  readonly notifications: DeliveryNotifications;
  readonly reveal: (target: CommandTarget) => Promise<void>;
}

/** Starts and cancels deliveries. Each one is a process that outlives the window. */
export class Deliveries {
  constructor(private readonly parts: DeliveryParts) {}

  async deliver(target: CommandTarget): Promise<void> {
    const service = await this.parts.choice.choose(target, 'Deliver Working Tree');
    if (service && (await saveAll(service))) await this.start(service, []);
  }

  /** Delivers the working tree on this machine, without the cache and without files of earlier runs. */
  async deliverFromScratch(target: CommandTarget): Promise<void> {
    const service = await this.parts.choice.choose(target, 'Deliver from Scratch');
    if (service && (await saveAll(service))) await this.start(service, ['--clean', '--engine', 'local'], 'local');
  }

  /** Delivers the working tree on a CI service or on this machine. */
  async runOn(service: ServiceState, ci: EngineName): Promise<void> {
    if (await saveAll(service)) await this.start(service, ['--engine', ci], ci);
  }

  async deliverCommit(target: CommandTarget): Promise<void> {
    const service = await this.parts.choice.choose(target, 'Deliver Commit');
    if (!service) return;
    const commit = await pickCommit(service);
    if (commit !== undefined) await this.start(service, ['--commit', commit]);
  }

  /** Delivers a commit without a prompt, and without a notification unless it fails. Its secrets must be set. */
  async deliverAutomatically(service: ServiceState, commit: string): Promise<void> {
    const { values } = await this.parts.secrets.known(service);
    const ci = (await workingDefinition(service))?.engine?.kind ?? 'local';
    const tokens = await this.tokensFor(service, ci);
    this.launch(service, ['--commit', commit], { ...values, ...tokens }, false);
  }

  /** Delivers the same change again. Steps that passed need not run again. */
  async runAgain(target: CommandTarget): Promise<void> {
    const service = await this.parts.choice.choose(target, 'Run Again from Failed Step');
    if (!service) return;
    const run = service.runs.find((candidate) => candidate.id === target.run) ?? service.runs.find(canRunAgain);
    if (!run) return void vscode.window.showInformationMessage(`No delivery of ${service.name} has failed.`);
    await this.start(service, ['--commit', run.change.commit, '--resume', run.id], run.engine?.name ?? 'local');
  }

  async cancel(target: CommandTarget): Promise<void> {
    const live = this.parts.store.state.services.filter(isLive);
    const [only] = live;
    const service =
      target.service === undefined && only && live.length === 1 ? only : await this.parts.choice.choose(target, 'Cancel Delivery');
    if (!service) return;
    const run = service.runs.find((candidate) => candidate.id === target.run) ?? currentRun(service);
    if (!run || isFinished(run.outcome)) return void vscode.window.showInformationMessage(`No delivery of ${service.name} is running.`);
    if (!isStartedHere(run) && !(await confirmCancel(run))) return;
    const tokens = run.engine ? await this.parts.tokens.environment([service], run.engine.name) : {};
    const exit = await this.parts.cli.start(['cancel', '--run', run.id], service.folder, tokens).exit;
    if (exit.code !== 0) this.parts.notifications.showFailure('Could not cancel the delivery', exit.stderr);
  }

  /** `ci` replaces the CI service in the definition. */
  private async start(service: ServiceState, args: readonly string[], ci?: EngineName): Promise<void> {
    const definition = await workingDefinition(service);
    const production = productionOf(definition);
    if (production !== undefined && !(await confirmProduction(service, production))) return;
    const runsOn = ci ?? definition?.engine?.kind ?? 'local';
    if (runsOn !== 'local' && !(await this.parts.tokens.ensure(service, runsOn))) return;
    // A CI service stores its secrets itself.
    const secrets = runsOn === 'local' ? await this.parts.secrets.collect(service) : {};
    if (!secrets) return;
    const environment = { ...secrets, ...(await this.tokensFor(service, runsOn)) };
    if (this.launch(service, [...args, ...(production === undefined ? [] : ['--yes'])], environment, true))
      void this.parts.reveal({ service: service.key });
  }

  /** A local run needs tokens, too: it records deployments at the CI service. */
  private async tokensFor(service: Service, ci: EngineName): Promise<Secrets> {
    const { tokens } = this.parts;
    return ci === 'local' ? tokens.variables([service]) : tokens.environment([service], ci);
  }

  private launch(service: ServiceState, args: readonly string[], secrets: Secrets, isRequested: boolean): boolean {
    const { cli, store, notifications } = this.parts;
    const matchers = contributedMatchers(service);
    const { pid, exit: exiting } = cli.start(['run', '--service', service.name, ...args], service.folder, {
      ...secrets,
      ...(matchers && { DELIVER_MATCHERS: JSON.stringify(matchers) }),
    });
    if (pid !== undefined) store.deliveryStarted(service, pid);
    void exiting.then((exit) => {
      const run = pid === undefined ? undefined : store.deliveryExited(service, pid);
      return notifications.report(service, exit, run, isRequested);
    });
    return pid !== undefined;
  }
}

/** Returns the production environment if a step deploys to it. */
function productionOf(pipeline: Pipeline | undefined): string | undefined {
  return pipeline?.steps.find(({ deploy }) => deploy !== undefined && deploy === pipeline.release)?.deploy;
}

async function confirmProduction(service: Service, production: string): Promise<boolean> {
  const detail = `A step of this pipeline deploys to ${production}, which customers use.`;
  const answer = await vscode.window.showWarningMessage(`Deliver ${service.name} to ${production}?`, { modal: true, detail }, 'Deliver');
  return answer !== undefined;
}

async function confirmCancel({ engine, change }: RunState): Promise<boolean> {
  const detail = `${change.subject}\nStarted by ${engine?.by} on ${engine?.label}`;
  const answer = await vscode.window.showWarningMessage(
    `Cancel the delivery of ${engine?.by}?`,
    { modal: true, detail },
    'Cancel Delivery',
  );
  return answer !== undefined;
}

/** Saves the changed files of the repository, if the setting says so. Returns true if the delivery may continue. */
async function saveAll(service: Service): Promise<boolean> {
  if (!vscode.workspace.getConfiguration('deliver').get('saveBeforeDelivering', true)) return true;
  const unsaved = vscode.workspace.textDocuments.filter(
    (document) => document.isDirty && document.uri.scheme === 'file' && isWithin(service.root, document.uri.fsPath),
  );
  // `save` returns false if the file has changed again since, although it was written.
  const written = new Set<vscode.TextDocument>();
  const saves = vscode.workspace.onDidSaveTextDocument((document) => written.add(document));
  const saved = await Promise.all(unsaved.map(async (document) => (await document.save()) || written.has(document)));
  saves.dispose();
  const failed = unsaved.filter((_, index) => !saved[index]);
  if (failed.length === 0) return true;
  const names = wordList(failed.map((document) => vscode.workspace.asRelativePath(document.uri)), 'and'); // prettier-ignore
  return (await vscode.window.showWarningMessage(`Could not save ${names}.`, 'Deliver Anyway')) !== undefined;
}

const maxCommits = 100;

interface CommitItem extends vscode.QuickPickItem {
  readonly commit: string;
}

/** Returns a recent commit that changes the service, or a revision that was typed. */
async function pickCommit(service: Service): Promise<string | undefined> {
  const format = { commit: '%H', subject: '%s', author: '%an', date: '%cI' };
  const options = { maxCount: maxCommits, '--no-show-signature': null, '.': null };
  const log = await git({ folder: service.folder }, (client) => client.log({ format, ...options }));
  if (!log.ok) {
    void vscode.window.showErrorMessage(log.failure.message);
    return undefined;
  }
  const recent = log.value.all.map(commitItem);
  const pick = vscode.window.createQuickPick<CommitItem>();
  pick.title = `Deliver Commit of ${service.name}`;
  pick.placeholder = 'Select a commit, or type a hash, tag or branch';
  pick.matchOnDescription = true;
  pick.items = recent;
  pick.onDidChangeValue((value) => {
    const typed = value.trim();
    const known = recent.some((item) => item.label.includes(typed) || item.description?.includes(typed));
    pick.items =
      typed === '' || known ? recent : [...recent, { label: typed, description: 'this revision', commit: typed, alwaysShow: true }];
  });
  try {
    return await new Promise((resolve) => {
      pick.onDidAccept(() => resolve(pick.selectedItems[0]?.commit));
      pick.onDidHide(() => resolve(undefined));
      pick.show();
    });
  } finally {
    pick.dispose();
  }
}

function commitItem({ commit, subject, author, date }: Record<'commit' | 'subject' | 'author' | 'date', string>): CommitItem {
  return {
    label: subject,
    description: joined([shortCommit(commit), author, age(date)]),
    commit,
    iconPath: new vscode.ThemeIcon('git-commit'),
  };
}

/** Returns the problem matchers and patterns of other extensions, if the definition refers to a matcher with `$`. */
function contributedMatchers(service: Service): Contributed | undefined {
  let text: string;
  try {
    text = fs.readFileSync(service.file, 'utf8');
  } catch {
    return undefined;
  }
  const names = Array.from(text.matchAll(/\$([\w.-]+)/g), ([, name]) => name ?? '');
  if (names.length === 0) return undefined;
  const matchers = contributions('problemMatchers');
  // All matchers are passed on, because one may be based on another.
  return names.some((name) => name in matchers) ? { matchers, patterns: contributions('problemPatterns') } : undefined;
}

function contributions(point: 'problemMatchers' | 'problemPatterns'): Record<string, unknown> {
  const contributed: [string, unknown][] = [];
  for (const extension of vscode.extensions.all) {
    const { contributes } = extension.packageJSON as { contributes?: Partial<Record<string, unknown>> };
    const list = contributes?.[point];
    if (!Array.isArray(list)) continue;
    for (const item of list as Readonly<Record<string, unknown>>[]) {
      const { name, patterns } = item;
      // A pattern of several lines is wrapped in an object.
      if (typeof name === 'string') contributed.push([name, Array.isArray(patterns) ? patterns : item]);
    }
  }
  return Object.fromEntries(contributed);
}
