import { systemMessage } from './system-error';

/**
 * An expected failure: a value, not an exception. `message` is one sentence. `hint` says how to fix it. Lines and columns
 * count from 1.
 */
export interface Failure {
  /** Decides the exit code: `usage` 2, `machinery` 3, `delivery` 1, `cancelled` 130. */
  readonly kind: 'usage' | 'machinery' | 'delivery' | 'cancelled';
  readonly message: string;
  readonly hint?: string;
  readonly path?: string;
  readonly line?: number;
  readonly column?: number;
  /** All failures, where one stands for several: the command line prints each. */
  readonly errors?: readonly Failure[];
}

export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: Failure };

export function ok<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function fail(kind: Failure['kind'], message: string, more: Omit<Failure, 'kind' | 'message'> = {}): Result<never> {
  return { ok: false, failure: { kind, message, ...more } };
}

/** Returns the value, for callers that need not know why there is none. */
export function valueOf<T>(result: Result<T>): T | undefined {
  return result.ok ? result.value : undefined;
}

/** Marks a branch that the types rule out. Reaching it is a bug. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}

/** Returns the message of a thrown value. An error of a system call becomes a sentence. */
export function messageOf(error: unknown): string {
  const meaning = systemMessage(error);
  if (meaning !== undefined) return meaning;
  return error instanceof Error ? error.message : String(error);
}
