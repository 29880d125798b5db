import type { Frame } from '../model/problem';

export const feedbackKinds = ['error', 'comment', 'rating', 'ticket'] as const;
export type FeedbackKind = (typeof feedbackKinds)[number];

/** A frame of a stack as a source tells it. */
export interface FeedbackFrame extends Frame {
  readonly function?: string;
  /** Whether the source takes it for the service's own code; absent where it does not say. */
  readonly inApp?: boolean;
}

/** What a customer said or hit, as a source tells it. All texts are from outside: shown as they are, never trusted. */
export interface FeedbackItem {
  /** Unique within its source. */
  readonly id: string;
  readonly kind: FeedbackKind;
  /** One line. */
  readonly title: string;
  readonly body?: string;
  /** When it was first said or hit. ISO 8601, UTC. */
  readonly createdAt: string;
  /** When it was last said or hit, or changed. ISO 8601, UTC. */
  readonly lastSeenAt?: string;
  readonly closedAt?: string;
  readonly author?: string;
  /** An http or https address. */
  readonly url?: string;
  readonly rating?: number;
  /** How often; at least 1. */
  readonly count: number;
  readonly people?: number;
  /** What the source says was running: a commit, a tag, a version. */
  readonly release?: string;
  /** Commits that the source knows to be in that release, newest first. */
  readonly releaseCommits?: readonly string[];
  readonly environment?: string;
  /** Names of components, labels, teams. */
  readonly components?: readonly string[];
  /** Innermost call first. */
  readonly frames?: readonly FeedbackFrame[];
  readonly assignee?: string;
  /** How a commit's message names it: `#12`, `SHOP-1A`. Absent: by its id. */
  readonly reference?: string;
}
