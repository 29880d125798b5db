import * as fs from 'node:fs';
import { jobEvent } from '../core/ci/follow/job-log';
import { ciServices } from '../core/ci/registry';
import type { ProblemFound, RunEvent } from '../core/model/events';
import { fold, type RunState } from '../core/model/run-state';
import { runStep } from '../core/runner/step';
import { LogReader } from './log';
import { problemLine } from './format';
import { Progress } from './progress';
import { ownProgram, exitCodes, type Terminal } from './terminal';

/** The poll interval for the step's log. */
const pollIntervalMs = 100;

/** `deliver step`: runs one step as a job of a CI service. The step's log goes to stdout. */
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
  const following = setInterval(copyLog, pollIntervalMs);
  const ended = await runStep({
    step: name,
    from: process.cwd(),
    ...(options.service !== undefined && { service: options.service }),
    env: process.env,
    program: ownProgram(),
    signal: cancel.signal,
    onEvent: (event, folder) => {
      state = fold(state, event);
      reportAddress(event);
      if (!progress) return terminal.json(event);
      reader ??= new LogReader(folder, [name], false, terminal);
      copyLog();
      progress.show(event, state);
      if (event.type === 'problem') {
        terminal.print(problemLine(event, terminal));
        reportProblem(event, terminal);
      }
      // A process that follows the job reads deployments from its log.
      const line = process.env['CI'] ? jobEvent(event) : undefined;
      if (line !== undefined) terminal.print(line);
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

/** A CI service shows the deployment address that a job sets as an output. */
function reportAddress(event: RunEvent): void {
  if (event.type !== 'deployed') return;
  for (const { outputsFile } of ciServices) {
    const file = outputsFile && process.env[outputsFile];
    if (file) fs.appendFileSync(file, `url=${event.url.replace(/\s/g, '')}\n`);
  }
}

/** A CI service shows problems at their place in the code, and in the summary of the job. */
function reportProblem(problem: ProblemFound, terminal: Terminal): void {
  for (const { summaryFile, annotation } of ciServices) {
    const file = summaryFile && process.env[summaryFile];
    if (!file) continue;
    if (annotation) terminal.print(annotation(problem));
    const place = [problem.path, problem.line].filter((part) => part !== undefined).join(':');
    const text = `${place}: ${problem.message}`.replace(/\s+/g, ' ').replace(/`/g, "'");
    fs.appendFileSync(file, `- ${problem.step}: \`${text}\`\n`);
  }
}
