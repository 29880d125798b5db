import { forgetEnvironment, openKnownEnvironment, readEnvironments } from '../core/environments/environments';
import type { EnvironmentStatus, ServiceStatus } from '../core/model/environment-status';
import type { Environment } from '../core/environments/environment';
import { belongsTo, ownerOf } from '../core/environments/owner';
import { type Failure, fail, ok, type Result } from '../core/model/result';
import { homeFolder } from '../core/support/home';
import { agreed, ownProgram, type Terminal } from './terminal';
import { age } from '../core/support/format';
import { openRepository } from '../core/git/repository';
import { definedPipelines, environmentsToObserve } from '../core/pipeline/defined-environments';
import type { RecordedEnvironment } from '../core/environments/recorded/recorded-environment';

interface Options {
  readonly json?: true;
}

/** `deliver environment`: shows the live services of all environments, or of one. */
export async function environment(name: string | undefined, options: Options, terminal: Terminal): Promise<number> {
  await askAll((await environmentsHere()).filter((one) => name === undefined || one.name === name));
  const known = readEnvironments(homeFolder());
  const shown = name === undefined ? known : known.filter((one) => one.environment === name);
  if (name !== undefined && shown.length === 0) return terminal.fail(unknown(name));
  if (options.json) terminal.json(shown);
  else if (shown.length === 0) terminal.print('nothing is live yet. deliver run delivers to an environment.');
  else for (const one of shown) print(one, terminal);
  return 0;
}

function print(environment: EnvironmentStatus, terminal: Terminal): void {
  terminal.print(terminal.paint('bold', environment.environment));
  if (environment.failure !== undefined) {
    const since = environment.observedAt === undefined ? '' : ` (last seen ${age(environment.observedAt)})`;
    terminal.print(`  ${terminal.paint('yellow', environment.failure)}${since}`);
  }
  for (const { service, state, url, release, reason } of environment.services) {
    const by = release?.by === undefined ? '' : ` by ${release.by}`;
    const back = release?.restored === undefined ? '' : `restored ${age(release.restored.at)} by ${release.restored.by}, `;
    const deployed = release ? `${release.commit.slice(0, 7)} ${back}deployed ${age(release.deployedAt)}${by}` : 'nothing deployed';
    const health = terminal.paint(state === 'healthy' ? 'green' : 'yellow', state);
    terminal.print(`  ${[service, health, url, deployed].filter((part) => part !== '').join(' ')}${reason ? ` — ${reason}` : ''}`);
  }
}

/** `deliver environment stop NAME`: stops the services of this repository, or all. */
export async function stopEnvironment(name: string, options: ActOptions, terminal: Terminal): Promise<number> {
  return act(name, options, terminal, { verb: 'stop', done: 'stopped', ends: true }, (one, { services, isAll }) =>
    one.stop(isAll ? undefined : services),
  );
}

/** `deliver environment start NAME`: starts the live releases of this repository again after a stop or a reboot. */
export async function startEnvironment(name: string, options: ActOptions, terminal: Terminal): Promise<number> {
  return act(name, options, terminal, { verb: 'start', done: 'started' }, (one, { services }) => one.start(services));
}

/** `deliver environment remove NAME`: stops the services of this repository and deletes their records. Feedback is kept. */
export async function removeEnvironment(name: string, options: ActOptions, terminal: Terminal): Promise<number> {
  return act(name, options, terminal, { verb: 'remove', done: 'removed', ends: true }, async (one, { services, isAll }) => {
    const removed = await one.remove(services);
    if (removed.ok && isAll) forgetEnvironment(name, homeFolder());
    return removed;
  });
}

export interface ActOptions extends Options {
  /** Includes the services of other repositories. */
  readonly all?: true;
  readonly yes?: true;
}

async function act(
  name: string,
  options: ActOptions,
  terminal: Terminal,
  { verb, done, ends = false }: { readonly verb: string; readonly done: string; readonly ends?: boolean },
  action: (one: Environment, chosen: Chosen) => Promise<Result<void>>,
): Promise<number> {
  const opened = await openKnown(name);
  if (!opened.ok) return terminal.fail(opened.failure);
  const status = opened.value.status();
  const chosen = await choose(name, status, options.all === true, verb);
  if (!chosen.ok) return terminal.fail(chosen.failure);
  const { services, isAll } = chosen.value;
  const list = services.join(', ');
  if (ends && options.yes !== true && (await isProduction(name, status)) && !(await agreed(questionOf(verb, name, list), terminal)))
    return terminal.fail({
      kind: 'usage',
      message: `nothing was ${done}: ${name} is a production environment`,
      hint: `--yes confirms it${list === '' ? '' : `. It would ${verb} ${list}`}`,
    });
  const result = await action(opened.value, chosen.value);
  if (!result.ok) return terminal.fail(result.failure);
  if (options.json) terminal.json(readEnvironments(homeFolder()).filter((one) => one.environment === name));
  else if (isAll) terminal.print(`${name} ${done}`);
  else {
    const others = status.filter(({ service }) => !services.includes(service));
    terminal.print(`${list} in ${name} ${done}. Not changed: ${others.map(withOwner).join(', ')}. --all includes other repositories.`);
  }
  return 0;
}

interface Chosen {
  readonly services: readonly string[];
  /** No other service is in the environment. */
  readonly isAll: boolean;
}

/** Returns the services of this repository, or all. Fails if none belongs to this repository. */
async function choose(name: string, status: readonly ServiceStatus[], all: boolean, verb: string): Promise<Result<Chosen>> {
  const own = all ? status : await ownStatus(status);
  const services = own.map(({ service }) => service);
  if (services.length > 0 || status.length === 0) return ok({ services, isAll: services.length === status.length });
  return fail('usage', `no service in ${name} belongs to this folder's repository: ${status.map(withOwner).join(', ')}`, {
    hint: `${verb} them in their repository, or all of them with --all`,
  });
}

/** Returns the services that belong to the repository of the current folder. Services without an owner belong to everybody. */
export async function ownStatus(status: readonly ServiceStatus[]): Promise<readonly ServiceStatus[]> {
  const repository = await openRepository(process.cwd());
  if (!repository.ok) return status.filter(({ owner }) => owner === undefined);
  const mine = await ownerOf(repository.value);
  const isOwn = await Promise.all(status.map(async ({ owner }) => belongsTo(owner, mine)));
  return status.filter((_, index) => isOwn[index]);
}

/** Returns whether an environment is the `release` environment of a service in it, or of this repository. */
async function isProduction(name: string, status: readonly ServiceStatus[]): Promise<boolean> {
  if (status.some((one) => one.isProduction)) return true;
  const repository = await openRepository(process.cwd());
  return repository.ok && (await definedPipelines(repository.value.root)).some(({ release }) => release === name);
}

function questionOf(verb: string, name: string, list: string): string {
  return `${verb.replace(/^./, (first) => first.toUpperCase())} ${list || 'everything'} in the production environment ${name}?`;
}

function withOwner({ service, owner }: ServiceStatus): string {
  return owner ? `${service} of ${owner.folder}` : service;
}

/** Opens an environment that has deployments, from this machine or, if this repository defines it, from others. */
export async function openKnown(name: string): Promise<Result<Environment>> {
  const defined = (await environmentsHere()).find((one) => one.name === name);
  const known = defined ?? openKnownEnvironment(name, homeFolder(), ownProgram());
  return known ? ok(known) : { ok: false, failure: unknown(name) };
}

function unknown(name: string): Failure {
  const names = readEnvironments(homeFolder()).map((one) => one.environment);
  return {
    kind: 'usage',
    message: `there is no environment ${name}`,
    ...(names.length > 0 && { hint: `known environments: ${names.join(', ')}` }),
  };
}

/** The time limit for a query of one environment. */
const queryTimeoutMs = 15_000;

/** Returns the environments that need a query, as seen from the current folder, which may be outside a repository. */
export async function environmentsHere(): Promise<RecordedEnvironment[]> {
  const repository = await openRepository(process.cwd());
  if (!repository.ok) return environmentsToObserve(homeFolder(), undefined);
  return environmentsToObserve(homeFolder(), repository.value.root, await ownerOf(repository.value));
}

/** Queries all environments in parallel. An environment that fails keeps its last known state and the reason. */
export async function askAll(environments: readonly RecordedEnvironment[]): Promise<void> {
  await Promise.all(environments.map((environment) => environment.observe(AbortSignal.timeout(queryTimeoutMs))));
}
