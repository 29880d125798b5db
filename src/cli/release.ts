import { askAll, environmentsHere } from './environment';
import { agreed, exitCodes, type Terminal, ownProgram } from './terminal';
import { environmentTokens } from '../core/pipeline/environment-tokens';
import { nothingContributed } from '../core/logs/matchers/definition';
import { planRelease, release, type Promotion } from '../core/runner/promotion';
import { Progress } from './progress';
import { fold, type RunState } from '../core/model/run-state';

export interface ReleaseOptions {
  readonly service?: string;
  readonly from?: string;
  readonly to?: string;
  readonly why?: string;
  readonly yes?: true;
  readonly takeOver?: true;
  readonly dryRun?: true;
  readonly json?: true;
}

const shownChanges = 20;

/** `deliver release`: releases the verified build of one environment to production. */
export async function releaseToCustomers(options: ReleaseOptions, terminal: Terminal): Promise<number> {
  await askAll(await environmentsHere());
  const planned = await planRelease({
    from: process.cwd(),
    ...(options.service !== undefined && { service: options.service }),
    ...(options.from !== undefined && { source: options.from }),
    ...(options.to !== undefined && { target: options.to }),
    ...(options.takeOver && { takeOver: true }),
    env: process.env,
    program: ownProgram(),
  });
  if (!planned.ok) return terminal.fail(planned.failure);
  if (options.dryRun && options.json) {
    const { service, source, target, release: next, current, changes, isVerified } = planned.value;
    terminal.json({ service, source, target, release: next, ...(current && { current }), changes, verified: isVerified });
    return 0;
  }
  if (!options.json) describe(planned.value, terminal);
  if (options.dryRun) return 0;
  if (!options.yes && !(await confirmProduction(planned.value, terminal))) return terminal.fail(declined(terminal));

  const cancel = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => cancel.abort());
  const progress = options.json ? undefined : new Progress(terminal);
  let state: RunState | undefined;
  const released = await release(planned.value, {
    ...(options.why !== undefined && { why: options.why }),
    env: process.env,
    tokens: environmentTokens(process.env),
    contributed: nothingContributed,
    signal: cancel.signal,
    onEvent: (event) => {
      state = fold(state, event);
      if (progress) progress.show(event, state);
      else terminal.json(event);
    },
  });
  progress?.close(released.ok ? undefined : released.failure);
  if (!released.ok) return terminal.fail(released.failure);
  return released.value.outcome === 'passed' ? 0 : released.value.outcome === 'cancelled' ? exitCodes.cancelled : exitCodes.delivery;
}

function describe({ service, source, target, release: next, current, changes, isVerified }: Promotion, terminal: Terminal): void {
  const now = current ? `${current.commit.slice(0, 7)} ${current.subject ?? ''}` : 'nothing';
  terminal.print(`${service}: ${next.commit.slice(0, 7)} ${next.subject ?? ''}, from ${source} to ${target} (now: ${now})`);
  for (const { commit, subject, author } of changes.slice(0, shownChanges))
    terminal.print(`  ${commit.slice(0, 7)} ${subject} ${terminal.paint('dim', author)}`);
  if (changes.length > shownChanges) terminal.print(`  and ${changes.length - shownChanges} more`);
  if (!isVerified) terminal.print(terminal.paint('yellow', `  not verified in ${source}`));
}

async function confirmProduction({ target }: Promotion, terminal: Terminal): Promise<boolean> {
  return agreed(`Release to ${target}?`, terminal);
}

function declined(terminal: Terminal): Parameters<Terminal['fail']>[0] {
  if (terminal.live) return { kind: 'cancelled', message: 'nothing was released' };
  return { kind: 'usage', message: 'a release needs a confirmation, and there is no terminal', hint: '--yes confirms it' };
}
