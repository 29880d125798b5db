import type { HttpSourceDefinition } from './descriptor';
import { feedbackKinds, readFrame, type FeedbackItem } from '../../item';
import { listOf, numberOf, present, recordOf, textOf, valueAt } from '../../../support/json-value';

/** Reads an item from the configured fields, or returns why that is impossible. */
export function readHttpItem(value: unknown, { fields, itemKind }: HttpSourceDefinition): FeedbackItem | string {
  if (!recordOf(value)) return 'is no object';
  const at = (field: string): unknown => valueAt(value, (Object.hasOwn(fields, field) ? fields[field] : undefined) ?? field);
  const id = textOf(at('id'));
  if (id === undefined) return 'has no id';
  const title = textOf(at('title'));
  if (title === undefined) return `(${id.slice(0, 50)}) has no title`;
  const kind = feedbackKinds.find((one) => one === at('kind')) ?? itemKind;
  const component = at('component');
  const components = (Array.isArray(component) ? listOf(component) : [component]).flatMap((one) => textOf(one) ?? []);
  const frames = listOf(at('frames')).flatMap((frame) => readFrame(frame) ?? []);
  return {
    id,
    title,
    kind,
    createdAt: dateOf(at('createdAt')) ?? '',
    count: Math.max(1, numberOf(at('count')) ?? 1),
    ...present({
      body: textOf(at('body')),
      lastSeenAt: dateOf(at('lastSeenAt')),
      closedAt: dateOf(at('closedAt')),
      author: textOf(at('author')),
      url: textOf(at('url')),
      rating: numberOf(at('rating')),
      people: numberOf(at('people')),
      release: textOf(at('release')) ?? textOf(at('commit')),
      environment: textOf(at('environment')),
      components: components.length > 0 ? components : undefined,
      frames: frames.length > 0 ? frames : undefined,
    }),
  };
}

/** Keeps text; converts seconds or milliseconds since 1970. */
function dateOf(value: unknown): string | undefined {
  if (typeof value !== 'number') return textOf(value);
  const date = new Date(Math.abs(value) < 1e11 ? value * 1000 : value);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
