import type { FoundProblem } from '../../model/problem';

/** Finds one tool's problems in a log, line by line. */
export interface Matcher {
  /** The name by which a step asks for it, and the `source` of what it finds. */
  readonly name: string;
  /** Which lines could begin something; absent: any. */
  readonly begins?: Beginning;
  /** A fresh search of one log. */
  start(found: (problem: FoundProblem) => void): Search;
}

/**
 * Ordinary lines are most of a log, so they are told apart in two strides: by a character or a word, for
 * all matchers together, and only then by the matcher's own `line`.
 */
export interface Beginning {
  /** The characters that the line may have first, after blanks. */
  readonly first?: string;
  /** Or: words that it holds one of, rare in ordinary output. `\n` stands for its end. */
  readonly holds?: readonly string[];
  readonly line: RegExp;
}

export interface Search {
  /**
   * Takes one line (plain text, no terminal codes, no line end) and its number from 1. Answers whether it
   * waits for more: then it gets the very next line whatever that is, else the next that could begin something.
   */
  line(text: string, number: number): boolean;
  /** The log is over: what is still waited for will not come. */
  end(): void;
}
