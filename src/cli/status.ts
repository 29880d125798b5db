import { listRuns } from '../core/history/runs';
import { releasableOf, statusOf } from '../core/model/run-status';
import { isFinished, type RunState } from '../core/model/run-state';
import { openRun } from './context';
import type { Terminal } from './terminal';
import { age, duration } from '../core/support/format';
import { stepLine } from './format';

/** `deliver status`: shows the latest run of the service, or the named run. */
export async function status(
  options: { readonly run?: string; readonly service?: string; readonly json?: true },
  terminal: Terminal,
): Promise<number> {
  const opened = await openRun(options);
  if (!opened.ok) return terminal.fail(opened.failure);
  const { home, run: state } = opened.value;
  const runs = listRuns(home, { service: state.service });
  if (options.json) {
    terminal.json(statusOf(state, home.run(state.id), runs));
    return 0;
  }
  const took = state.finishedAt ? ` in ${duration(Date.parse(state.finishedAt) - Date.parse(state.startedAt))}` : '';
  terminal.print(
    `${terminal.paint('bold', state.service)} ${state.outcome}${took}, ${age(state.startedAt)}${state.reason ? ` — ${state.reason}` : ''}`,
  );
  terminal.print(`${state.change.commit.slice(0, 7)} ${state.change.subject}`);
  for (const line of engineLines(state, terminal)) terminal.print(line);
  for (const step of state.steps) terminal.print(`  ${stepLine(step, terminal)}`);
  for (const notice of state.notices) terminal.print(terminal.paint('yellow', `  ${notice}`));
  const releasable = releasableOf(runs);
  const since = releasable.since ? `, since ${age(releasable.since)}` : '';
  terminal.print(
    releasable.yes ? terminal.paint('green', `releasable${since}`) : terminal.paint('red', `not releasable: ${releasable.reason}${since}`),
  );
  return 0;
}

/** Returns the CI service of the run, and why its state may be outdated. */
function engineLines({ id, engine, outcome }: RunState, terminal: Terminal): string[] {
  if (!engine) return [];
  const by = engine.by === undefined ? '' : ` by ${engine.by}`;
  const where = `on ${engine.label}${by} ${terminal.paint('blue', engine.url ?? engine.place)}`;
  const { heard, toldAt } = engine;
  if (!heard || isFinished(outcome)) return [where];
  const why = heard.state === 'unfollowed' ? `no process monitors this run (deliver follow --run ${id})` : (heard.message ?? 'no answer');
  return [where, terminal.paint('yellow', `  ${why}; updated ${age(heard.state === 'slow' ? toldAt : heard.at)}`)];
}
