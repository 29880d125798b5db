export type Severity = 'error' | 'warning' | 'info';

/** A place in a stack trace, as it was printed. Lines and columns count from 1. */
export interface Frame {
  /** As printed: absolute, relative, a path in a container, or a `file://` URL. */
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

/** A failure from a log or a report, with its place as printed. */
export interface FoundProblem {
  readonly severity: Severity;
  /** A single line if possible. For a test, its name comes first: `cart › adds an item: expected 2 to be 3`. */
  readonly message: string;
  /** The matcher that found it. */
  readonly source: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  /** The folder that the tool ran in, as printed or relative to the service; empty for the service's folder. Absent if unknown. */
  readonly folder?: string;
  /** The stack trace, innermost call first. The first frame in the delivered tree is the place. */
  readonly frames?: readonly Frame[];
  /** The first line in the log, from 1; absent for a problem from a report. */
  readonly logLine?: number;
}
