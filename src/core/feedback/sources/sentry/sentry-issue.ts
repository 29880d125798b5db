import type { FeedbackItem } from '../../item';
import { numberOf, present, recordOf, textOf } from '../../../support/json-value';
import type { EventDetails } from './sentry-event';

/** What a list tells of an issue. */
export interface SentryIssue {
  readonly id: string;
  readonly item: FeedbackItem;
  /** Another one means that there is more to ask for. */
  readonly stamp: string;
}

export function readSentryIssue(value: unknown): SentryIssue | string {
  const issue = recordOf(value);
  const id = textOf(issue?.['id']);
  if (!issue || id === undefined) return 'an issue has no id';
  const title = textOf(issue['title']);
  const reference = textOf(issue['shortId']);
  if (title === undefined) return `${reference ?? id} has no title`;
  const lastSeen = textOf(issue['lastSeen']);
  const createdAt = textOf(issue['firstSeen']) ?? '';
  const count = Math.max(1, numberOf(issue['count']) ?? 1);
  const metadata = recordOf(issue['metadata']);
  // What customers wrote into a form is an issue, too.
  const said = issue['issueCategory'] === 'feedback' ? textOf(metadata?.['message']) : undefined;
  const item: FeedbackItem = {
    id,
    kind: said === undefined ? 'error' : 'comment',
    title: said === undefined ? title : firstLine(said),
    createdAt,
    count,
    ...present({
      body: said ?? bodyOf(title, textOf(metadata?.['value']), textOf(issue['culprit'])),
      author: said === undefined ? undefined : textOf(metadata?.['name']),
      lastSeenAt: lastSeen,
      closedAt: issue['status'] === 'resolved' ? (lastSeen ?? createdAt) : undefined,
      people: numberOf(issue['userCount']),
      url: textOf(issue['permalink']),
      reference,
      assignee: textOf(recordOf(issue['assignedTo'])?.['name']),
    }),
  };
  return { id, item, stamp: `${count} ${lastSeen ?? ''}` };
}

/** What a customer wrote about a crash. Its id begins with that of the issue, where it belongs to one. */
export function readReport(value: unknown, details: ReadonlyMap<string, EventDetails>): FeedbackItem | string {
  const report = recordOf(value);
  const id = textOf(report?.['id']);
  const body = textOf(report?.['comments']);
  if (!report || id === undefined) return 'a report has no id';
  if (body === undefined) return `report ${id} says nothing`;
  const issue = recordOf(report['issue']);
  const issueId = textOf(issue?.['id']);
  const createdAt = textOf(report['dateCreated']) ?? '';
  return {
    ...(issueId !== undefined && details.get(issueId)),
    id: issueId === undefined ? `report-${id}` : `${issueId}/report-${id}`,
    kind: 'comment',
    title: firstLine(body),
    body,
    createdAt,
    count: 1,
    people: 1,
    ...present({
      author: textOf(report['name']),
      url: textOf(issue?.['permalink']),
      reference: textOf(issue?.['shortId']),
      closedAt: issue?.['status'] === 'resolved' ? createdAt : undefined,
    }),
  };
}

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0]?.trim() ?? '';
}

function bodyOf(title: string, value: string | undefined, culprit: string | undefined): string | undefined {
  const lines = [value !== undefined && !title.includes(value) ? value : '', culprit === undefined ? '' : `in ${culprit}`];
  return lines.filter((line) => line !== '').join('\n') || undefined;
}
