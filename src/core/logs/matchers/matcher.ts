import type { FoundProblem } from '../../model/problem';

/** Finds one tool's problems in a log, line by line. */
export interface Matcher {
  /** The name in `problems` of a step, and the `source` of its problems. */
  readonly name: string;
  /** The lines on which a match can start; absent: any line. */
  readonly begins?: Beginning;
  /** Recognises any stack of a language. The block of a test runner around the stack says more and replaces it. */
  readonly isStack?: boolean;
  /** Starts a search of one log. */
  start(found: Found): Search;
}

/** Takes a problem, with what only the search knows about it. */
export type Found = (problem: FoundProblem, details?: FoundDetails) => void;

export interface FoundDetails {
  /** The last line of the log that describes it. */
  readonly lastLine: number;
  /** The test that failed. */
  readonly title?: string;
  /** The line belongs to a list of all failures: the problem may be known. */
  readonly isSummary?: boolean;
}

/**
 * The condition for starting a match. Most lines are ordinary output, so a character or word is tested first, for all
 * matchers together, and the matcher's own `line` only afterwards.
 */
export interface Beginning {
  /** The possible first characters of the line, after blanks. */
  readonly first?: string;
  /** Alternatively, words that are rare in ordinary output. The line contains one of them. `\n` stands for its end. */
  readonly holds?: readonly string[];
  readonly line: (text: string) => boolean;
}

export interface Search {
  /**
   * Takes one line (plain text, no terminal codes, no line end) and its number from 1. Returns true if the match is open:
   * then the search gets the next line in any case, otherwise the next line on which a match can start.
   */
  line(text: string, number: number): boolean;
  /** Ends the search at the end of the log. */
  end(): void;
}
