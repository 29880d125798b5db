import { failureOf } from '../core/ci/failure-of';
import type { CiName } from '../core/ci/ci-service';
import { environmentTokens } from '../core/pipeline/environment-tokens';
import { openService } from './context';
import type { Terminal } from './terminal';

/** `deliver engine`: shows the CI service of the pipeline and checks access. */
export async function engine(
  name: CiName | undefined,
  options: { readonly service?: string; readonly json?: true },
  terminal: Terminal,
): Promise<number> {
  const context = await openService(options.service);
  if (!context.ok) return terminal.fail(context.failure);
  const { repository, service, services } = context.value;
  const around = { repository, services, tokens: environmentTokens(process.env), proxy: 'environment' } as const;
  const { connectToCi } = await import('../core/ci/connect');
  const opened = await connectToCi(service.pipeline, name, around);
  if (!opened.ok) return terminal.fail(opened.failure);
  const client = opened.value.engine;
  const account = await client.check(new AbortController().signal);
  if (account.state === 'failed') return terminal.fail(failureOf(account));
  const { label, host, allowance } = client;
  if (options.json) terminal.json({ engine: client.name, label, place: client.place, host, signedInAs: account.value, allowance });
  else {
    terminal.print(`${terminal.paint('green', '✓')} ${label}, ${client.place}: signed in as ${account.value}`);
    if (allowance)
      terminal.print(`  ${allowance.remaining} of ${allowance.limit} requests are left until ${allowance.resetAt.slice(11, 16)} UTC`);
  }
  return 0;
}
