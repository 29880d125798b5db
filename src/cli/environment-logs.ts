import { readEnvironments } from '../core/environments/environments';
import { homeFolder } from '../core/support/home';
import { openKnown } from './environment';
import { nameFromPlace } from './rollback';
import type { Terminal } from './terminal';

export interface LogsOptions {
  readonly service?: string;
  readonly lines: number;
  readonly follow?: true;
}

/** `deliver environment logs NAME`: prints the log of the live release. */
export async function environmentLogs(name: string, options: LogsOptions, terminal: Terminal): Promise<number> {
  const environment = await openKnown(name);
  if (!environment.ok) return terminal.fail(environment.failure);
  const services = readEnvironments(homeFolder())
    .filter((one) => one.environment === name)
    .flatMap((one) => one.services.map(({ service }) => service));
  const here = services.length > 1 && options.service === undefined ? await nameFromPlace() : undefined;
  const own = here?.ok && services.includes(here.value) ? here.value : undefined;
  const service = options.service ?? own ?? (services.length === 1 ? services[0] : undefined);
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
  const answer = await environment.value.logs(service, wish, (bytes) => process.stdout.write(bytes), end.signal);
  process.stdin.destroy();
  return answer.ok ? 0 : terminal.fail(answer.failure);
}
