import { failureOf } from '../core/ci/failure-of';
import type { CiName } from '../core/ci/ci-service';
import { environmentTokens } from '../core/pipeline/environment-tokens';
import { openService } from './service-context';
import type { Terminal } from './terminal';

/** `deliver engine`: which CI service would run the pipeline, and whether it lets us. */
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
  const there = opened.value.engine;
  const who = await there.check(new AbortController().signal);
  if (who.state === 'failed') return terminal.fail(failureOf(who));
  const { label, host, allowance } = there;
  if (options.json) terminal.json({ engine: there.name, label, place: there.place, host, signedInAs: who.value, allowance });
  else {
    terminal.print(`${terminal.paint('green', '✓')} ${label}, ${there.place}: signed in as ${who.value}`);
    if (allowance)
      terminal.print(`  ${allowance.remaining} of ${allowance.limit} requests are left until ${allowance.resetAt.slice(11, 16)} UTC`);
  }
  return 0;
}
