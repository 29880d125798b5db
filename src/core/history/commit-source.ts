import type { NewCommit } from './new-commits';

/** Where new commits are read from. What was there before it was made is not new. */
export interface CommitSource {
  /** The file that is written with each. */
  readonly file: string;
  /** The folders in which something is written with each. */
  folders(): readonly string[];
  /** The newest commit that was not taken yet. `isUnderWay`: git is in the middle of something. */
  newest(isUnderWay: boolean): Promise<NewCommit | undefined>;
  /** Whether one that had to wait until that was over is still what was meant. */
  stands(made: NewCommit): boolean;
  /** What `newest` told is seen to. */
  take(): void;
}
