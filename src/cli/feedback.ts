import * as fs from 'node:fs';
import * as path from 'node:path';
import { PlacesNow } from '../core/location/places-now';
import { environmentTokens } from '../core/pipeline/environment-tokens';
import { reported, type ReportedItem } from '../core/feedback/report';
import { ServiceFeedback } from '../core/feedback/service-feedback';
import { confidenceWords, crowd } from '../core/feedback/format';
import type { PlacedItem } from '../core/feedback/placed-item';
import type { SourceState } from '../core/feedback/inbox';
import { definitionName } from '../core/model/pipeline';
import { locateService } from '../core/pipeline/locate';
import { parsePipeline } from '../core/pipeline/parse';
import { listRuns } from '../core/history/runs';
import { openContext } from './context';
import type { Terminal } from './terminal';
import { age } from '../core/support/format';

export interface FeedbackOptions {
  readonly service?: string;
  readonly json?: true;
  readonly deliveries: number;
  readonly days: number;
}

/** `deliver feedback`: lists customer feedback with its current lines. */
export async function feedback(options: FeedbackOptions, terminal: Terminal): Promise<number> {
  const context = await openContext();
  if (!context.ok) return terminal.fail(context.failure);
  const { repository, home } = context.value;
  const place = await locateService(repository.root, process.cwd(), options.service);
  if (!place.ok) return terminal.fail(place.failure);
  const file = path.posix.join(place.value.folder, definitionName);
  const { pipeline, errors } = parsePipeline(fs.readFileSync(path.join(repository.root, file), 'utf8'), file);
  if (!pipeline) return Math.max(...errors.map((error) => terminal.fail(error)));

  const service = await ServiceFeedback.open({
    repository,
    home,
    folder: place.value.folder,
    pipeline,
    placesNow: new PlacesNow(repository, home),
    tokens: environmentTokens(process.env),
    proxy: 'environment',
  });
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.once('SIGINT', onSignal);
  await service.refresh(0, stop.signal);
  process.removeListener('SIGINT', onSignal);
  if (stop.signal.aborted) return terminal.fail({ kind: 'cancelled', message: 'cancelled' });
  const state = await service.state(listRuns(home, { service: pipeline.service }), options);
  if (!state.ok) return terminal.fail(state.failure);
  for (const source of state.value.sources) warnOf(source, terminal);
  if (options.json) {
    terminal.json(state.value.items.map(reported));
    return 0;
  }
  const subjects = new Map(state.value.recent.changes.map(({ commit, subject }) => [commit, subject]));
  for (const item of state.value.items) print(item, reported(item), subjects, terminal);
  if (state.value.items.length === 0) terminal.print(`no open feedback for ${pipeline.service}`);
  return 0;
}

function warnOf({ source, failure, warning, fetchedAt }: SourceState, terminal: Terminal): void {
  const yellow = terminal.paint('yellow', 'warning');
  if (failure) {
    const known = fetchedAt === undefined ? 'no items yet' : `showing the items from ${age(fetchedAt)}`;
    terminal.warn(`${yellow}: ${source}: ${failure.message}; ${known}`);
    if (failure.hint !== undefined) terminal.warn(`  ${failure.hint}`);
  }
  if (warning !== undefined) terminal.warn(`${yellow}: ${warning}`);
}

function print(
  { item, places, change, source }: PlacedItem,
  { commit, unknownRelease, fix }: ReportedItem,
  subjects: ReadonlyMap<string, string>,
  terminal: Terminal,
): void {
  const kind = terminal.paint(item.kind === 'error' ? 'red' : 'yellow', item.kind);
  const dim = (text: string): string => terminal.paint('dim', text);
  terminal.print(`${kind} ${item.title} ${dim([crowd(item), age(item.createdAt), source].filter((part) => part !== '').join(' · '))}`);
  for (const place of places) {
    const words = confidenceWords(place);
    const at = [place.path, place.line].filter((part) => part !== undefined).join(':');
    terminal.print(`  ${terminal.paint('blue', at)}${words === '' ? '' : dim(` (${words})`)}`);
  }
  if (change) terminal.print(dim(`  on ${change.commit.slice(0, 7)} ${subjects.get(change.commit) ?? ''}`));
  else if (unknownRelease !== undefined)
    terminal.print(dim(`  on release ${unknownRelease}, which is not in this repository (try git fetch)`));
  else if (commit === undefined) terminal.print(dim('  unknown release'));
  if (fix)
    terminal.print(
      terminal.paint(
        'green',
        `  ${fix.deliveredAt === undefined ? 'fix waits' : `fix delivered ${age(fix.deliveredAt)}`}: ${fix.commit.slice(0, 7)}`,
      ),
    );
}
