import type { PlacedItem } from '../../core/feedback/placed-item';
import { lastOf } from '../../core/feedback/inbox';
import { changeWords, confidenceWords, crowd } from '../../core/feedback/format';
import { fixWords } from './change-rows';
import { age, joined, shortCommit } from '../../core/support/format';

const shownFrames = 8;

/** The whole story of an item, in paragraphs of plain text: what, how often, how many people, when, on which release. */
export function story(placed: PlacedItem, now: number): string[] {
  const { item, source, places, change } = placed;
  const [place] = places;
  const at = place && joined([joined([place.path, place.line?.toString()], ':'), confidenceWords(place)], ', ');
  return [
    item.title,
    item.body === item.title ? '' : (item.body ?? ''),
    joined([crowd(item), seen(placed, now), releaseWords(placed)]),
    joined([at, change && changeWords(change.by)]),
    fixWords(placed, now) ?? '',
    (item.frames ?? [])
      .slice(0, shownFrames)
      .map(({ file, line, function: name }) =>
        joined([name === undefined ? undefined : `${name} at`, joined([file, line?.toString()], ':')], ' '),
      )
      .join('\n'),
    joined([
      source === item.environment ? undefined : `from ${source}`,
      item.author && `by ${item.author}`,
      item.assignee && `assigned to ${item.assignee}`,
    ]),
  ].filter((paragraph) => paragraph !== '');
}

function seen({ item }: PlacedItem, now: number): string {
  if (item.undated) return `without a date, here since ${age(item.createdAt, now)}`;
  const [first, last] = [age(item.createdAt, now), age(lastOf(item), now)];
  return first === last ? first : `first ${first}, last ${last}`;
}

/** Which release it is about, and how that is known. */
export function releaseWords({ item, running }: PlacedItem): string {
  if (!running) return 'nothing tells which release it is about';
  if ('unknown' in running) return `on release ${running.unknown}, which is not in this repository: git fetch may bring it`;
  const where = item.environment ?? running.delivery?.environment;
  const release = `on ${shortCommit(running.commit)}${where === undefined ? '' : ` in ${where}`}`;
  return running.by === 'time' ? `${release}, which was live at the time` : release;
}
