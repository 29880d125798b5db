import { deliver } from '../core/runner/deliver';
import type { EngineName } from '../core/ci/ci-service';
import { environmentTokens } from '../core/pipeline/environment-tokens';
import { nothingContributed, type Contributed } from '../core/logs/matchers/definition';
import { readTail } from '../core/support/file-tail';
import { fold, type RunState, type StepProgress } from '../core/model/run-state';
import type { RunEvent } from '../core/model/events';
import { ownProgram, agreed, exitCodes, type Terminal } from './terminal';
import { problemLine } from './format';
import { withoutPlace } from '../core/location/problems-now';
import { Progress } from './progress';

export interface RunOptions {
  readonly commit?: string;
  readonly service?: string;
  readonly resume?: string;
  readonly jobs?: number;
  readonly clean?: true;
  readonly yes?: true;
  readonly takeOver?: true;
  readonly engine?: EngineName;
  readonly json?: true;
}

/** The number of last log lines to show for a failed step. */
const tailLines = 30;
const tailBytes = 64 * 1024;

/** The maximum number of problems to show for a failed step. */
const maxProblems = 20;

/** `deliver run`: delivers in this process. A signal cancels the delivery. */
export async function run(options: RunOptions, terminal: Terminal): Promise<number> {
  const cancel = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => cancel.abort());

  const progress = options.json ? undefined : new Progress(terminal);
  let state: RunState | undefined;
  const delivery = await deliver({
    from: process.cwd(),
    ...(options.service !== undefined && { service: options.service }),
    ...(options.commit !== undefined && { commit: options.commit }),
    ...(options.resume !== undefined && { resume: options.resume }),
    ...(options.clean && { clean: true }),
    ...(options.jobs !== undefined && { width: options.jobs }),
    ...(options.engine !== undefined && { engine: options.engine }),
    ...(options.takeOver && { takeOver: true }),
    tokens: environmentTokens(process.env),
    env: process.env,
    contributed: contributedMatchers(process.env),
    program: ownProgram(),
    confirmProduction: async (environment) =>
      options.yes === true || agreed(`A step deploys to the production environment ${environment}. Deliver?`, terminal),
    signal: cancel.signal,
    onEvent: (event: RunEvent) => {
      state = fold(state, event);
      if (progress) progress.show(event, state);
      else terminal.json(event);
    },
  });
  progress?.stop();
  if (delivery.ok && progress && state) showFailures(state, terminal);
  progress?.close(delivery.ok ? undefined : delivery.failure);
  if (!delivery.ok) return terminal.fail(delivery.failure);
  switch (delivery.value.outcome) {
    case 'passed':
      return 0;
    case 'cancelled':
    case 'superseded':
      return exitCodes.cancelled;
    default:
      return exitCodes.delivery;
  }
}

/** Reads the problem matchers that the editor passes on from other extensions, as JSON. */
function contributedMatchers(env: NodeJS.ProcessEnv): Contributed {
  try {
    return { ...nothingContributed, ...(JSON.parse(env['DELIVER_MATCHERS'] ?? '{}') as Partial<Contributed>) };
  } catch {
    return nothingContributed;
  }
}

function showFailures(state: RunState, terminal: Terminal): void {
  for (const step of state.steps) {
    if (step.state !== 'failed' || step.log === undefined) continue;
    // Problems without a place say less than the end of the log.
    if (step.problems.some((problem) => problem.path !== undefined)) {
      showProblems(step, terminal);
      continue;
    }
    const lines = readTail(step.log, tailBytes).trimEnd().split('\n');
    terminal.print(`\n${terminal.paint('bold', step.name)}${lines.length > tailLines ? ` (the last ${tailLines} lines)` : ''}`);
    for (const line of lines.slice(-tailLines)) if (line !== '' || lines.length > 1) terminal.print(`  ${line}`);
    const missing = withoutPlace(step);
    if (missing !== undefined) terminal.print(`  ${missing}`);
    terminal.print(terminal.paint('dim', `  ${step.log}`));
  }
}

function showProblems(step: StepProgress, terminal: Terminal): void {
  terminal.print(`\n${terminal.paint('bold', step.name)}`);
  for (const problem of step.problems.slice(0, maxProblems)) terminal.print(`  ${problemLine(problem, terminal)}`);
  const more = step.problems.length - maxProblems;
  if (more > 0) terminal.print(`  and ${more} more: deliver problems`);
  if (step.log !== undefined) terminal.print(terminal.paint('dim', `  ${step.log}`));
}
