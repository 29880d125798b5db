import { readEnvironments } from '../core/environments/environments';
import { homeFolder } from '../core/support/home';
import { openKnown, ownStatus } from './environment';
import { nameFromPlace } from './rollback';
import type { Terminal } from './terminal';

export interface LogsOptions {
  readonly service?: string;
  readonly lines: number;
  readonly follow?: true;
  /** Includes the services of other repositories. */
  readonly all?: true;
}

/** `deliver environment logs NAME`: prints the log of the live release. */
export async function environmentLogs(name: string, options: LogsOptions, terminal: Terminal): Promise<number> {
  const environment = await openKnown(name);
  if (!environment.ok) return terminal.fail(environment.failure);
  const all = readEnvironments(homeFolder()).flatMap((one) => (one.environment === name ? one.services : []));
  const own = options.all ? all : await ownStatus(all);
  const services = own.map(({ service }) => service);
  const here = services.length > 1 && options.service === undefined ? await nameFromPlace() : undefined;
  const inFolder = here?.ok && services.includes(here.value) ? here.value : undefined;
  const service = options.service ?? inFolder ?? (services.length === 1 ? services[0] : undefined);
  const foreign = all.find((one) => !own.includes(one) && (service === undefined ? own.length === 0 : one.service === service));
  if (foreign)
    return terminal.fail({
      kind: 'usage',
      message: `${foreign.service} in ${name} belongs to another repository: ${foreign.owner?.folder}`,
      hint: `--all includes it`,
    });
  if (service === undefined)
    return terminal.fail({
      kind: 'usage',
      message: services.length === 0 ? `nothing is live in ${name}` : `${name} has several services`,
      ...(services.length > 0 && { hint: `choose one with --service: ${services.join(', ')}` }),
    });
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end.abort());
  // A background process ends when its parent, which holds stdin open, ends.
  if (options.follow && !process.stdin.isTTY) {
    process.stdin.on('error', () => end.abort());
    process.stdin.on('end', () => end.abort());
    process.stdin.resume();
  }
  const wish = { lines: options.lines, ...(options.follow && { follow: true }) };
  const answer = await environment.value.logs(service, wish, terminal.output(), end.signal);
  process.stdin.destroy();
  return answer.ok ? 0 : terminal.fail(answer.failure);
}
