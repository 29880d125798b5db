import type { RefMove } from '../git/reflog';

/** A commit that its author just made. */
export interface NewCommit {
  readonly commit: string;
  /** What was there before; absent: its parent. */
  readonly since?: string;
  /** The remote-tracking branch that came into being with it: all that no other has is new. */
  readonly firstOf?: string;
}

/** What the moves of `HEAD` have come to. */
export interface HeadHistory {
  readonly head?: string;
  /** What a rebase that goes on began on. */
  readonly onto?: string;
  /** The newest commit that was made, unless it was taken back. */
  readonly made?: NewCommit;
}

/**
 * The history after one more move. Commits, merges, picks, reverts and finished rebases make a commit; a
 * checkout, a reset, a pull or a fast-forward leads to one that was there before, perhaps somebody else's.
 */
export function follow({ onto, made }: HeadHistory, { from, to, message }: RefMove): HeadHistory {
  if (/^(commit|cherry-pick|revert|am)\b[^:]*(:|$)/.test(message) || isMerge(message)) {
    const before = /^commit \(amend\)/.test(message) ? undefined : from;
    return history(to, onto, madeOf(to, made?.commit === from ? made?.since : before));
  }
  if (/^rebase\b[^:]*\(start\):|^rebase: checkout /.test(message)) return history(to, to, made);
  if (/^rebase\b[^:]*(\(finish\)|finished)/.test(message)) {
    // With nothing put on it, it is where others had come to.
    return history(to, undefined, to === onto ? undefined : madeOf(to, onto));
  }
  const isTakenBack = /^reset:|^rebase\b.*abort/.test(message) && made?.commit !== to;
  return history(to, onto, isTakenBack ? undefined : made);
}

/** The same, with nothing to be delivered of what was made. */
export function settled({ head, onto }: HeadHistory): HeadHistory {
  return history(head, onto, undefined);
}

function history(head: string | undefined, onto: string | undefined, made: NewCommit | undefined): HeadHistory {
  return { ...(head !== undefined && { head }), ...(onto !== undefined && { onto }), ...(made && { made }) };
}

function madeOf(commit: string, since: string | undefined): NewCommit {
  return { commit, ...(since !== undefined && { since }) };
}

function isMerge(message: string): boolean {
  return message.startsWith('merge ') && !/: Fast-forward/.test(message);
}
