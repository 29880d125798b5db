import { failureOf } from '../core/ci/failure-of';
import { ciOfRun } from '../core/ci/follow/ci-of-run';
import { environmentTokens } from '../core/http/environment-tokens';
import { openRun } from './context';
import type { Terminal } from './terminal';

/** `deliver approve`: lets a deployment go on that waits for a person at the CI service. */
export async function approve(
  environment: string | undefined,
  options: { readonly run?: string; readonly service?: string },
  terminal: Terminal,
): Promise<number> {
  const opened = await openRun(options);
  if (!opened.ok) return terminal.fail(opened.failure);
  const { repository, run } = opened.value;
  const waiting = run.steps.flatMap((step) => (step.state === 'waiting' && step.approval !== undefined ? [step.approval] : []));
  const meant = environment ?? (new Set(waiting).size === 1 ? waiting[0] : undefined);
  if (meant === undefined || !waiting.includes(meant)) {
    const hint = waiting.length === 0 ? 'nothing of it waits for a person' : `what waits is ${waiting.join(', ')}`;
    return terminal.fail({ kind: 'usage', message: `run ${run.id} waits for nobody${meant === undefined ? '' : ` at ${meant}`}`, hint });
  }
  const there = await ciOfRun(repository, run, environmentTokens(process.env));
  if (!there.ok) return terminal.fail(there.failure);
  const { engine } = there.value;
  const now = await engine.read(run.engine?.id ?? '', new AbortController().signal);
  if (now.state === 'failed') return terminal.fail(failureOf(now));
  const approved = await engine.approve(now.value, meant, new AbortController().signal);
  if (approved.state === 'failed') return terminal.fail(failureOf(approved));
  terminal.print(`${engine.label} goes on with ${meant}`);
  return 0;
}
