import { forgetEnvironment, openKnownEnvironment, readEnvironments } from '../core/environments/environments';
import type { EnvironmentStatus } from '../core/model/environment-status';
import type { Environment } from '../core/environments/environment';
import { type Failure, ok, type Result } from '../core/model/result';
import { homeFolder } from '../core/support/home';
import { ownProgram, type Terminal } from './terminal';
import { age } from '../core/support/format';
import { openRepository } from '../core/git/repository';
import { environmentsToObserve } from '../core/pipeline/defined-environments';
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

/** `deliver environment stop NAME`: stops the environment and all its services. */
export async function stopEnvironment(name: string, options: Options, terminal: Terminal): Promise<number> {
  return act(name, options, terminal, 'stopped', (one) => one.stop());
}

/** `deliver environment start NAME`: starts the live releases again after a stop or a reboot. */
export async function startEnvironment(name: string, options: Options, terminal: Terminal): Promise<number> {
  return act(name, options, terminal, 'started', (one) => one.start());
}

/** `deliver environment remove NAME`: stops the environment and deletes its record. Feedback is kept. */
export async function removeEnvironment(name: string, options: Options, terminal: Terminal): Promise<number> {
  return act(name, options, terminal, 'removed', async (one) => {
    const stopped = await one.stop();
    if (stopped.ok) forgetEnvironment(name, homeFolder());
    return stopped;
  });
}

async function act(
  name: string,
  options: Options,
  terminal: Terminal,
  done: string,
  action: (one: Environment) => Promise<Result<void>>,
): Promise<number> {
  const opened = await openKnown(name);
  if (!opened.ok) return terminal.fail(opened.failure);
  const result = await action(opened.value);
  if (!result.ok) return terminal.fail(result.failure);
  if (options.json) terminal.json(readEnvironments(homeFolder()).filter((one) => one.environment === name));
  else terminal.print(`${name} ${done}`);
  return 0;
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
  return environmentsToObserve(homeFolder(), repository.ok ? repository.value.root : undefined);
}

/** Queries all environments in parallel. An environment that fails keeps its last known state and the reason. */
export async function askAll(environments: readonly RecordedEnvironment[]): Promise<void> {
  await Promise.all(environments.map((environment) => environment.observe(AbortSignal.timeout(queryTimeoutMs))));
}
