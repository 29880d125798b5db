import { readEnvironments } from '../core/environments/environments';
import type { EnvironmentStatus, ServiceStatus } from '../core/model/environment-status';
import type { Failure } from '../core/model/result';
import { homeFolder } from '../core/support/home';
import { rollBackByHand } from '../core/runner/rollback';
import { locateService } from '../core/pipeline/locate';
import { askAll, environmentsHere, openKnown, ownStatus } from './environment';
import { openContext } from './context';
import { onRecord } from './ci-of-run';
import type { Terminal } from './terminal';
import { age } from '../core/support/format';

/** `deliver rollback`: restores the previous release of the service, or an earlier one. */
export async function rollback(
  name: string | undefined,
  options: { readonly service?: string; readonly to?: string; readonly list?: true; readonly json?: true },
  terminal: Terminal,
): Promise<number> {
  const service = await serviceName(options.service);
  if (!service.ok) return terminal.fail(service.failure);
  await askAll(await environmentsHere());
  const known = readEnvironments(homeFolder()).filter((one) => one.services.some((other) => isLive(other, service.value)));
  const live: EnvironmentStatus[] = [];
  for (const one of known) {
    const own = await ownStatus(one.services);
    if (own.some((other) => isLive(other, service.value))) live.push(one);
    else if (name === one.environment) return terminal.fail(foreign(one, service.value));
  }
  const names = live.map((one) => one.environment);
  const [only] = names;
  const target = name ?? (names.length === 1 ? only : undefined);
  if (target === undefined || !names.includes(target)) {
    const message =
      name === undefined && names.length > 1
        ? `${service.value} is live in several environments`
        : `${service.value} is not live in ${name ?? 'any environment'}`;
    return terminal.fail({ kind: 'usage', message, ...(names.length > 0 && { hint: `it is live in ${names.join(', ')}` }) });
  }
  const earlier = live.find((one) => one.environment === target)?.services.find((other) => other.service === service.value)?.earlier ?? [];
  if (options.list) {
    if (options.json) terminal.json(earlier);
    else
      for (const { commit, subject, deployedAt } of earlier)
        terminal.print(`${commit.slice(0, 7)} ${subject ?? ''} ${terminal.paint('dim', age(deployedAt))}`);
    if (!options.json && earlier.length === 0) terminal.print(`${service.value} has no earlier release in ${target}`);
    return 0;
  }
  const environment = await openKnown(target);
  if (!environment.ok) return terminal.fail(environment.failure);
  const wish = options.to === undefined ? {} : { to: options.to };
  const back = await rollBackByHand(environment.value, service.value, wish, homeFolder(), (line) => terminal.warn(line));
  if (!back.ok) return terminal.fail(back.failure);
  const { from, to } = back.value;
  const url = environment.value.status().find((one) => one.service === service.value)?.url ?? '';
  await onRecord(service.value, { environment: target, from, ...(to && { to }), url }, (message) => terminal.warn(message));
  if (options.json) terminal.json({ environment: target, service: service.value, from, ...(to && { to }) });
  else
    terminal.print(
      `${service.value} in ${target} was rolled back ${to ? `to ${to.commit.slice(0, 7)} ${to.subject ?? ''}` : '(no earlier release)'}`,
    );
  return 0;
}

function isLive({ service, release }: ServiceStatus, name: string): boolean {
  return service === name && release !== undefined;
}

function foreign({ environment, services }: EnvironmentStatus, service: string): Failure {
  const owner = services.find((one) => one.service === service)?.owner?.folder ?? 'another repository';
  return {
    kind: 'usage',
    message: `${service} in ${environment} belongs to another repository: ${owner}`,
    hint: `roll it back in ${owner}`,
  };
}

async function serviceName(named: string | undefined): ReturnType<typeof nameFromPlace> {
  return named === undefined ? nameFromPlace() : { ok: true, value: named };
}

/** Returns the name of the service in the current folder. */
export async function nameFromPlace(): Promise<
  { ok: true; value: string } | Extract<Awaited<ReturnType<typeof openContext>>, { ok: false }>
> {
  const context = await openContext();
  if (!context.ok) return context;
  const place = await locateService(context.value.repository.root, process.cwd());
  return place.ok ? { ok: true, value: place.value.name } : place;
}
