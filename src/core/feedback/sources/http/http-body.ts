import type { HttpSourceDefinition } from './descriptor';
import { noJson } from '../../../http/api';
import type { HttpAnswer, HttpFailure } from '../../../http/http-answer';
import { readHttpItem } from './http-item';
import { recordOf, valueAt } from '../../../support/json-value';

export interface Body {
  /** JSON lines as a list. */
  readonly value: unknown;
  /** Lines that are no JSON. */
  readonly unread: readonly string[];
}

/** JSON, or JSON lines. */
export function parseBody({ text, headers, url, status }: HttpAnswer): Body | HttpFailure {
  const whole = parsed(text);
  if (whole) return { ...whole, unread: [] };
  const lines = text.split('\n').map((line, index) => ({ line, number: index + 1 }));
  const written = lines.filter(({ line }) => line.trim() !== '').map(({ line, number }) => ({ number, json: parsed(line) }));
  // Half of another JSON may hold lines that are some; it does not begin with one.
  if (!text.trimStart().startsWith('{') || !written[0]?.json) return noJson(text, headers, url, status);
  return {
    value: written.flatMap(({ json }) => json?.value ?? []),
    unread: written.filter(({ json }) => !json).map(({ number }) => `line ${number} is no JSON`),
  };
}

function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

/** The list that a page holds; undefined where there is none. */
export function valuesOf(value: unknown, settings: HttpSourceDefinition): readonly unknown[] | undefined {
  if (settings.items !== undefined) return listOrNothing(valueAt(value, settings.items));
  if (Array.isArray(value)) return value as readonly unknown[];
  const record = recordOf(value);
  const name = ['items', 'data', 'results'].find((one) => record && Object.hasOwn(record, one));
  if (name !== undefined) return listOrNothing(record?.[name]);
  // One JSON line is an object.
  return typeof readHttpItem(value, settings) === 'string' ? undefined : [value];
}

/** Some servers write an empty list as null. */
function listOrNothing(value: unknown): readonly unknown[] | undefined {
  if (value === null) return [];
  return Array.isArray(value) ? (value as readonly unknown[]) : undefined;
}
