import type { FoundProblem } from '../problem';

/** Finds one tool's problems in a log, line by line. */
export interface Matcher {
  /** The name by which a step asks for it, and the `source` of what it finds. */
  readonly name: string;
  /**
   * The source of a regular expression (flags `m`) that finds, in plain text of many lines, each line on
   * which this matcher could begin to find something. Ordinary output must not match it, and it must be
   * quick to fail: it is tried at every character of a log. Without one, every line is a beginning.
   */
  readonly trigger?: string;
  /** A fresh search of one log. */
  start(found: (problem: FoundProblem) => void): Search;
}

export interface Search {
  /**
   * Takes one line (plain text, no terminal codes, no line end) and its number from 1. Answers whether it
   * waits for more: then it gets the very next line whatever that is, else the next that its trigger finds.
   */
  line(text: string, number: number): boolean;
  /** The log is over: what is still waited for will not come. */
  end(): void;
}
