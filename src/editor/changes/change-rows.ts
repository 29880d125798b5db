import { findSourceKind } from '../../core/feedback/registry';
import type { PlacedItem } from '../../core/feedback/placed-item';
import { isBack } from '../../core/feedback/fixes';
import { lastOf, type SourceState } from '../../core/feedback/inbox';
import type { FeedbackKind } from '../../core/feedback/item';
import { ranked } from '../../core/feedback/rank';
import type { ChangeDelivery, DeliveredChange } from '../../core/feedback/recent';
import { changeWords, confidenceWords, crowd } from '../../core/feedback/format';
import type { FeedbackState } from '../../core/feedback/service-feedback';
import type { SourceActions } from '../../core/feedback/source';
import { isFinished } from '../../core/model/run-state';
import { age, counted, joined, shortCommit } from '../../core/support/format';
import type { ServiceState } from '../app/state';
import { updatedAt } from '../ci/ci-rows';
import type { Row, RowIcon } from '../tree/row';

/** The recent changes of a service and the feedback on them. */
export interface ServiceNews {
  readonly service: ServiceState;
  /** Undefined until it is read. */
  readonly feedback?: FeedbackState | undefined;
  /** The reason why feedback could not be read. */
  readonly problem?: string | undefined;
  /** The commits of this repository's user. */
  readonly mine: ReadonlySet<string>;
  /** The keys of unread items. */
  readonly unread: ReadonlySet<string>;
  /** By source name. */
  readonly actions: ReadonlyMap<string, SourceActions>;
}

/** The maximum number of items below one row. */
const maxItems = 100;

const kindIcons: Record<FeedbackKind, string> = { error: 'bug', comment: 'comment', rating: 'star-empty', ticket: 'issues' };
export const kindLabels: Record<FeedbackKind, string> = { error: 'Error', comment: 'Comment', rating: 'Rating', ticket: 'Ticket' };

/** Returns the rows of the Changes view: recent changes with their environments, and the feedback on each. */
export function changeRows(services: readonly ServiceNews[], now: number): Row[] {
  const known = services.filter((news) => news.feedback !== undefined || news.problem !== undefined);
  if (known.length === 1 && known[0]) return rowsOf(known[0], now);
  return known.flatMap((news): Row[] => {
    const children = rowsOf(news, now);
    if (children.length === 0) return [];
    const { service } = news;
    return [
      {
        id: service.key,
        label: service.name,
        icon: { name: 'package' },
        ariaLabel: `Service ${service.name}`,
        contextValues: ['service'],
        open: 'expanded',
        children,
        target: { service: service.key, text: service.name },
      },
    ];
  });
}

/** Returns the message above the rows: the automatic deliveries and the commits that are waiting. */
export function changesMessage(services: readonly ServiceState[]): string | undefined {
  const messages = services.flatMap(({ name, autoDelivery }) => {
    if (!autoDelivery) return [];
    const { on, waiting } = autoDelivery;
    const rule = `${services.length === 1 ? 'Every' : `${name}: every`} ${on} is delivered automatically.`;
    return [waiting ? `${rule} ${shortCommit(waiting.commit)} is waiting: ${waiting.reason}.` : rule];
  });
  return messages.length === 0 ? undefined : messages.join(' ');
}

function rowsOf(news: ServiceNews, now: number): Row[] {
  const { service, feedback, problem } = news;
  const problems = problem === undefined ? [] : [problemRow(service.key, problem)];
  if (!feedback) return problems;
  const { recent, items, sources } = feedback;
  const shown = new Set(recent.changes.map(({ commit }) => commit));
  const others = items.filter(({ change }) => change === undefined || !shown.has(change.commit));
  return [
    ...problems,
    ...sources.flatMap((source) => sourceRow(service.key, source, now) ?? []),
    ...(recent.uncommitted.length > 0 ? [uncommittedRow(service.key, recent.uncommitted)] : []),
    ...recent.changes.map((change) => changeRow(news, change, now)),
    ...(others.length > 0 ? [otherRow(news, others, now)] : []),
  ];
}

function changeRow(news: ServiceNews, change: DeliveredChange, now: number): Row {
  const { service, mine } = news;
  const feedback = ranked(news.feedback?.items.filter((item) => item.change?.commit === change.commit) ?? [], mine, now);
  const where = change.deliveries.length > 0 ? deliveredText(change.deliveries, now) : waitingText(service, change.commit);
  const author = mine.has(change.commit) ? 'you' : change.author;
  const note = change.isUncommitted ? 'delivered without a commit' : undefined;
  return {
    // VS Code keeps a known row collapsed, so a change with feedback is a new row.
    id: `${service.key}#${change.commit}${feedback.length > 0 ? '#feedback' : ''}`,
    label: change.isUncommitted ? 'Uncommitted changes' : change.subject,
    description: joined([where, note, author]),
    icon:
      change.deliveries.length === 0
        ? { name: 'circle-outline', color: 'disabledForeground' }
        : { name: 'git-commit', color: 'testing.iconPassed' },
    tooltip: joined(
      [
        change.isUncommitted ? 'Changes that were delivered without a commit' : change.message,
        '',
        joined([shortCommit(change.commit), change.author, age(change.date, now)]),
        ...change.deliveries.map(
          ({ environment, at, isLive }) =>
            `${isLive ? 'live in' : 'was live in'} ${environment ?? 'the pipeline'}, delivered ${age(at, now)}`,
        ),
        filesText(change),
      ],
      '\n',
    ),
    ariaLabel: joined(
      [`Change ${change.subject}`, where, `by ${author}`, feedback.length > 0 ? feedbackCount(feedback.length) : undefined],
      ', ',
    ),
    contextValues: ['change', ...(change.isUncommitted ? [] : ['commit'])],
    open: feedback.length > 0 ? 'expanded' : undefined,
    children: itemRows(news, feedback, now),
    target: { service: service.key, change: change.commit, text: change.commit },
    click: 'deliver.openChange',
  };
}

function deliveredText(deliveries: readonly ChangeDelivery[], now: number): string {
  const live = deliveries.filter(({ isLive }) => isLive);
  if (live.length > 0) return live.map(({ environment, at }) => joined([environment ?? 'delivered', age(at, now)], ' ')).join(', ');
  return 'no longer live';
}

/** Returns the state of a change that is not delivered yet. */
function waitingText({ runs, autoDelivery }: ServiceState, commit: string): string {
  const run = runs.find(({ outcome, change }) => !isFinished(outcome) && change.commit === commit);
  if (run) return run.outcome === 'running' ? 'being delivered' : 'waiting for the previous delivery';
  return autoDelivery?.waiting?.commit === commit ? `waiting: ${autoDelivery.waiting.reason}` : 'waiting';
}

function filesText({ files, tooLarge }: DeliveredChange): string {
  const names = files.slice(0, 10).map(({ path }) => path);
  const more = files.length > names.length ? [`and ${files.length - names.length} more`] : [];
  const large = tooLarge.map((path) => `${path} has too many changed lines to mark`);
  return [...names, ...more, ...large].join('\n');
}

function itemRows(news: ServiceNews, items: readonly PlacedItem[], now: number): Row[] {
  const rows = items.slice(0, maxItems).map((item) => itemRow(news, item, now));
  if (items.length <= maxItems) return rows;
  const label = `${items.length - maxItems} more`;
  return [...rows, { id: `${rows[0]?.id ?? ''}#more`, label, icon: { name: 'ellipsis' }, ariaLabel: label, target: {} }];
}

function itemRow(news: ServiceNews, placed: PlacedItem, now: number): Row {
  const { item, source, places, change, fix } = placed;
  const { service } = news;
  const isUnread = news.unread.has(itemKey(placed));
  const [place] = places;
  const at = place && joined([place.path.slice(place.path.lastIndexOf('/') + 1), place.line?.toString()], ':');
  const fixed = fix && fixText(placed, now);
  const description = joined([fixed, crowd(item), at, age(lastOf(item), now)]);
  const actions = news.actions.get(source);
  const confidence = place ? confidenceWords(place) : '';
  return {
    id: `${service.key}#${itemKey(placed)}`,
    label: item.title,
    description,
    icon: itemIcon(placed, isUnread),
    tooltip: joined(
      [
        item.title,
        item.body === undefined ? undefined : `\n${item.body.slice(0, 1000)}${item.body.length > 1000 ? '…' : ''}`,
        '',
        joined([kindLabels[item.kind], crowd(item), item.author, source]),
        place && joined([joined([place.path, place.line?.toString()], ':'), confidence]),
        change && changeWords(change.by),
        fixed,
      ],
      '\n',
    ),
    ariaLabel: joined(
      [isUnread ? 'Unread' : undefined, kindLabels[item.kind], item.title, fixed, crowd(item), at, confidence, age(lastOf(item), now)],
      ', ',
    ),
    contextValues: [
      'feedback',
      ...(item.url === undefined ? [] : ['url']),
      ...(place ? ['place'] : []),
      ...(actions?.resolve ? ['resolve'] : []),
      ...(actions?.assignToMe ? ['assign'] : []),
      ...(actions?.reply ? ['reply'] : []),
    ],
    target: {
      service: service.key,
      item: item.id,
      source,
      url: item.url,
      text: item.url ?? item.title,
    },
    click: 'deliver.openFeedback',
  };
}

function itemIcon({ item, fix }: PlacedItem, isUnread: boolean): RowIcon {
  if (fix?.delivered && !isBack(item, fix)) return { name: 'pass', color: 'testing.iconPassed' };
  const name = kindIcons[item.kind];
  return isUnread ? { name, color: 'notificationsInfoIcon.foreground' } : { name };
}

/** Returns the state of the fix of an item. */
export function fixText({ item, fix }: PlacedItem, now: number): string | undefined {
  if (!fix) return undefined;
  if (!fix.delivered) return 'fix is not delivered yet';
  if (isBack(item, fix)) return 'reported again after the fix';
  return joined(['fix delivered', fix.delivered.environment && `to ${fix.delivered.environment}`, age(fix.delivered.at, now)], ' ');
}

function otherRow(news: ServiceNews, items: readonly PlacedItem[], now: number): Row {
  const { key } = news.service;
  return {
    id: `${key}#others`,
    label: 'On Earlier Changes',
    description: feedbackCount(items.length),
    icon: { name: 'history' },
    tooltip: 'Feedback on older code, or without a known place in the code',
    ariaLabel: `Feedback on earlier changes, ${feedbackCount(items.length)}`,
    open: 'collapsed',
    children: itemRows(news, ranked(items, news.mine, now), now),
    target: { service: key },
  };
}

function uncommittedRow(service: string, files: readonly string[]): Row {
  const count = counted(files.length, 'file');
  return {
    id: `${service}#uncommitted`,
    label: 'Not committed yet',
    description: count,
    icon: { name: 'edit', color: 'disabledForeground' },
    tooltip: files.slice(0, 20).join('\n'),
    ariaLabel: `Not committed yet, ${count}`,
    target: { service },
    click: 'deliver.openSourceControl',
  };
}

const failures = {
  offline: { text: ' is not reachable', icon: 'debug-disconnect' },
  token: { text: ' needs a token', icon: 'key' },
  limit: { text: ': rate limit exceeded', icon: 'watch' },
  answer: { text: ' returned an error', icon: 'warning' },
} as const;

/** Returns a row for a source with a problem. */
function sourceRow(service: string, { source, kind, failure, warning, fetchedAt }: SourceState, now: number): Row | undefined {
  const message = failure?.message ?? warning;
  if (message === undefined) return undefined;
  const state = failure && failures[failure.reason];
  const updated = updatedAt(fetchedAt, now) ?? 'no data yet';
  const label = `${findSourceKind(kind)?.label ?? kind}${state?.text ?? ' was read only in part'}`;
  return {
    id: `${service}#source#${source}`,
    label,
    description: joined([failure && updated, message]),
    icon: { name: state?.icon ?? 'warning', color: 'list.warningForeground' },
    tooltip: joined([source, message, failure?.hint, failure && updated, failure?.retryAt && `retry at ${failure.retryAt}`], '\n'),
    ariaLabel: joined([label, source, message, failure && updated], ', '),
    contextValues: ['source', ...(failure?.reason === 'token' ? ['token'] : [])],
    target: { service, source, text: message },
    click: failure?.reason === 'token' ? 'deliver.setFeedbackToken' : 'deliver.refreshFeedback',
  };
}

function problemRow(service: string, message: string): Row {
  return {
    id: `${service}#problem`,
    label: message,
    icon: { name: 'warning', color: 'list.warningForeground' },
    ariaLabel: message,
    target: { service },
  };
}

export function feedbackCount(count: number): string {
  return counted(count, 'feedback item');
}

/** Returns a key that is the same in every window and after every refresh. */
export function itemKey({ source, item }: Pick<PlacedItem, 'source' | 'item'>): string {
  return `${source}\n${item.id}`;
}
