import { httpAddress } from '../../http/http-address';
import { numberOf, recordOf, textOf } from '../../support/json-value';
import { plain } from '../../support/terminal-text';
import type { CiFailure } from '../ci-client';

/** One line of text from outside, shortened; undefined where it says nothing. */
export function lineOf(value: unknown, most = 200): string | undefined {
  const text = plain(textOf(value) ?? '')
    .trim()
    .split('\n')[0]
    ?.trim();
  if (text === undefined || text === '') return undefined;
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

/** An address that may become a link. */
export function linkOf(value: unknown): string | undefined {
  const text = textOf(value);
  const address = text === undefined ? undefined : httpAddress(text);
  return address === undefined || typeof address === 'string' ? undefined : text;
}

/** The id of anything, which becomes part of an address. */
export function idOf(value: unknown): string | undefined {
  const id = textOf(value);
  return id !== undefined && /^\d+$/.test(id) ? id : undefined;
}

/** From 1. */
export function countOf(value: unknown): number {
  const count = numberOf(value);
  return count !== undefined && Number.isInteger(count) && count > 0 ? count : 1;
}

export function loginOf(value: unknown): string | undefined {
  return lineOf(recordOf(value)?.['login'], 100);
}

export function failure(message: string, hint?: string): CiFailure {
  return { state: 'failed', reason: 'answer', message, ...(hint !== undefined && { hint }) };
}
