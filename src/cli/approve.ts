import { failureOf } from '../core/ci/failure-of';
import { ciOfRun } from './ci-of-run';
import { environmentTokens } from '../core/pipeline/environment-tokens';
import { openRun } from './context';
import type { Terminal } from './terminal';

/** `deliver approve`: approves a deployment that is waiting on the CI service. */
export async function approve(
  environment: string | undefined,
  options: { readonly run?: string; readonly service?: string },
  terminal: Terminal,
): Promise<number> {
  const opened = await openRun(options);
  if (!opened.ok) return terminal.fail(opened.failure);
  const { repository, run } = opened.value;
  const waiting = run.steps.flatMap((step) => (step.state === 'waiting' && step.approval !== undefined ? [step.approval] : []));
  const chosen = environment ?? (new Set(waiting).size === 1 ? waiting[0] : undefined);
  if (chosen === undefined || !waiting.includes(chosen)) {
    const hint = waiting.length === 0 ? 'no deployment is waiting for approval' : `waiting: ${waiting.join(', ')}`;
    return terminal.fail({
      kind: 'usage',
      message: `run ${run.id} has no deployment${chosen === undefined ? '' : ` to ${chosen}`} that is waiting for approval`,
      hint,
    });
  }
  const connected = await ciOfRun(repository, run, environmentTokens(process.env));
  if (!connected.ok) return terminal.fail(connected.failure);
  const { engine } = connected.value;
  const now = await engine.read(run.engine?.id ?? '', new AbortController().signal);
  if (now.state === 'failed') return terminal.fail(failureOf(now));
  const approved = await engine.approve(now.value, chosen, new AbortController().signal);
  if (approved.state === 'failed') return terminal.fail(failureOf(approved));
  terminal.print(`${engine.label} continues with ${chosen}`);
  return 0;
}
