export type Severity = 'error' | 'warning' | 'info';

/** A place in a stack trace, as it was printed. Lines and columns count from 1. */
export interface Frame {
  /** Absolute, relative, a container's, a `file://` address: whatever was printed. */
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

/** A failure as a log or a report tells it: its place is still as it was printed. */
export interface FoundProblem {
  readonly severity: Severity;
  /** What is wrong, in a line where possible; for a test with its name: `cart › adds an item: expected 2 to be 3`. */
  readonly message: string;
  /** The matcher that found it. */
  readonly source: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  /** The stack that was printed with it, innermost call first: the first frame in the delivered tree is the place. */
  readonly frames?: readonly Frame[];
  /** The line of the log that it begins on, from 1; absent for one that a report tells. */
  readonly logLine?: number;
}
