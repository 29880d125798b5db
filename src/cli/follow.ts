import { followAgain } from '../core/ci/follow/resume-following';
import { ciOfRun } from './ci-of-run';
import { environmentTokens } from '../core/pipeline/environment-tokens';
import { nothingContributed } from '../core/logs/matchers/definition';
import { alwaysVisible } from '../core/process/visibility';
import { readPipeline } from '../core/pipeline/read-pipeline';
import { readRun } from '../core/history/runs';
import { fold, isFinished, type RunState } from '../core/model/run-state';
import { SerialQueue } from '../core/support/serial-queue';
import { openRun } from './context';
import { Progress } from './progress';
import { exitCodes, type Terminal } from './terminal';

/** `deliver follow`: resumes monitoring a run on a CI service. */
export async function follow(
  options: { readonly run?: string; readonly service?: string; readonly json?: true },
  terminal: Terminal,
): Promise<number> {
  const opened = await openRun(options);
  if (!opened.ok) return terminal.fail(opened.failure);
  const { repository, home, run } = opened.value;
  if (isFinished(run.outcome)) return terminal.fail({ kind: 'usage', message: `run ${run.id} has ended: it ${run.outcome}` });
  const there = await ciOfRun(repository, run, environmentTokens(process.env));
  if (!there.ok) return terminal.fail(there.failure);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
  const progress = options.json ? undefined : new Progress(terminal);
  let state: RunState | undefined = run;
  const isOurs = await followAgain(
    {
      ...{ repository, home, readPipeline, engine: there.value.engine, run: run.id, env: process.env, contributed: nothingContributed },
      ...{ visibility: alwaysVisible, beside: () => 1, queue: new SerialQueue() },
      onEvent: (event) => {
        state = fold(state, event);
        if (progress) progress.show(event, state);
        else terminal.json(event);
      },
    },
    stop.signal,
  );
  progress?.close();
  if (!isOurs)
    return terminal.fail({
      kind: 'usage',
      message: `another process follows run ${run.id}`,
      hint: 'deliver log --follow shows its log',
    });
  const outcome = readRun(home.run(run.id))?.outcome;
  if (outcome === 'passed') return 0;
  return outcome === 'failed' ? exitCodes.delivery : exitCodes.cancelled;
}
