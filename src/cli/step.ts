import * as fs from 'node:fs';
import { ciServices } from '../core/ci/registry';
import { jobEvent } from '../core/ci/follow/job-events';
import type { RunEvent } from '../core/model/events';
import { fold, type RunState } from '../core/model/run-state';
import { runStep } from '../core/runner/step';
import { LogReader } from './log';
import { problemLine } from './problem-line';
import { Progress } from './progress';
import { ownProgram } from './own-program';
import { exitCodes, type Terminal } from './terminal';

/** How often what the step prints is looked for. */
const followMs = 100;

/** `deliver step`: one step as a job of a CI service, whose log shows all that it prints. */
export async function step(
  name: string,
  options: { readonly service?: string; readonly json?: true },
  terminal: Terminal,
): Promise<number> {
  const cancel = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => cancel.abort());

  const progress = options.json ? undefined : new Progress(terminal);
  let state: RunState | undefined;
  let reader: LogReader | undefined;
  const copyLog = (): void => {
    if (state) reader?.copy(state);
  };
  const following = setInterval(copyLog, followMs);
  const ended = await runStep({
    step: name,
    from: process.cwd(),
    ...(options.service !== undefined && { service: options.service }),
    env: process.env,
    program: ownProgram(),
    signal: cancel.signal,
    onEvent: (event, folder) => {
      state = fold(state, event);
      writeAddress(event);
      if (!progress) return terminal.json(event);
      reader ??= new LogReader(folder, [name], false);
      copyLog();
      progress.show(event, state);
      if (event.type === 'problem') terminal.print(problemLine(event, terminal));
      // Whoever follows the job from elsewhere knows by this what became of the environment.
      const told = process.env['CI'] ? jobEvent(event) : undefined;
      if (told !== undefined) terminal.print(told);
    },
  });
  clearInterval(following);
  progress?.close(ended.ok ? undefined : ended.failure);
  if (!ended.ok) return terminal.fail(ended.failure);
  switch (ended.value.outcome) {
    case 'passed':
      return 0;
    case 'cancelled':
      return exitCodes.cancelled;
    default:
      return exitCodes.delivery;
  }
}

/** A CI service shows the address of a deployment that the job has as an output. */
function writeAddress(event: RunEvent): void {
  if (event.type !== 'deployed') return;
  for (const { outputsFile } of ciServices) {
    const file = outputsFile && process.env[outputsFile];
    if (file) fs.appendFileSync(file, `url=${event.url.replace(/\s/g, '')}\n`);
  }
}
