import type { Confidence, FeedbackPlace, PlacedItem } from './placed-item';
import type { KnownItem } from './inbox';

/** How certain a place is, in words. */
export function confidenceWords({
  confidence,
  line,
  by,
  delivered,
}: Pick<FeedbackPlace, 'confidence' | 'line' | 'by' | 'delivered'>): string {
  const words: Record<Confidence, string> = {
    exact: '',
    edited: line === undefined ? 'edited since delivery: the line is gone' : 'edited since delivery',
    approximate: 'about here: edited since delivery',
    inferred: by === 'component' ? 'by its component' : by === 'owner' ? 'by its owners' : 'by what was live at the time',
  };
  return delivered.line === undefined && confidence === 'edited' ? '' : words[confidence];
}

/** Why an item belongs to a change, in words. */
export function changeWords(by: NonNullable<PlacedItem['change']>['by']): string {
  return {
    line: 'this change made the line',
    file: 'this change touched the file',
    component: 'this change touched the component',
    owner: 'this change touched what they own',
    delivery: 'said after this change was delivered',
  }[by];
}

/** `3 people, 12 times`; what was said once by one says nothing. */
export function crowd({ people, count, kind }: KnownItem): string {
  const said = [people !== undefined && people > 1 ? `${people} people` : '', count > 1 ? `${count} times` : ''];
  return said.filter((part) => part !== '').join(', ') || (kind === 'error' ? 'once' : '');
}
