/**
 * An expected failure: a value, not an exception. `message` is one sentence for people;
 * `hint` says what to do about it; the place is given where there is one (line and column from 1).
 */
export interface Failure {
  /** Decides the exit code: `usage` 2, `machinery` 3, `delivery` 1, `cancelled` 130. */
  readonly kind: 'usage' | 'machinery' | 'delivery' | 'cancelled';
  readonly message: string;
  readonly hint?: string;
  readonly path?: string;
  readonly line?: number;
  readonly column?: number;
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

/** Marks a branch that the types rule out; reaching it is a bug. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}

/** The sentence of anything thrown, for a failure that wraps a library's exception. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
