import { findSourceKind } from '../../core/feedback/registry';
import type { PlacedItem } from '../../core/feedback/placed-item';
import { isBack } from '../../core/feedback/fixes';
import { lastOf, type SourceState } from '../../core/feedback/inbox';
import type { FeedbackKind } from '../../core/feedback/item';
import { ranked } from '../../core/feedback/rank';
import type { ChangeDelivery, DeliveredChange } from '../../core/feedback/recent';
import { changeWords, confidenceWords, crowd } from '../../core/feedback/format';
import type { ServiceNews } from './feedback-news';
import type { Row, RowIcon } from '../tree/row';
import { isFinished } from '../../core/model/run-state';
import type { ServiceState } from '../app/state';
import { age, joined, shortCommit } from '../app/format';

/** Below one row there are not more items than these. */
const mostItems = 100;

const kindIcons: Record<FeedbackKind, string> = { error: 'bug', comment: 'comment', rating: 'star-empty', ticket: 'issues' };
export const kindWords: Record<FeedbackKind, string> = { error: 'Error', comment: 'Comment', rating: 'Rating', ticket: 'Ticket' };

/** The Changes view: recent changes, waiting or delivered where, and below each the feedback on it. */
export function changeRows(services: readonly ServiceNews[], now: number): Row[] {
  const told = services.filter((news) => news.feedback !== undefined || news.problem !== undefined);
  if (told.length === 1 && told[0]) return rowsOf(told[0], now);
  return told.flatMap((news): Row[] => {
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
        subject: { service: service.key, text: service.name },
      },
    ];
  });
}

/** What is to be said above the rows: what is delivered without a click, and what of it waits. */
export function changesMessage(services: readonly ServiceState[]): string | undefined {
  const told = services.flatMap(({ name, autoDelivery }) => {
    if (!autoDelivery) return [];
    const { on, waiting } = autoDelivery;
    const only = services.length === 1;
    const rule = `${only ? 'Each' : `${name}: each`} ${on} is delivered by itself.`;
    return [waiting ? `${rule} ${shortCommit(waiting.commit)} waits: ${waiting.why}.` : rule];
  });
  return told.length === 0 ? undefined : told.join(' ');
}

function rowsOf(news: ServiceNews, now: number): Row[] {
  const { service, feedback, problem } = news;
  const troubles = problem === undefined ? [] : [problemRow(service.key, problem)];
  if (!feedback) return troubles;
  const { recent, items, sources } = feedback;
  const shown = new Set(recent.changes.map(({ commit }) => commit));
  const others = items.filter(({ change }) => change === undefined || !shown.has(change.commit));
  return [
    ...troubles,
    ...sources.flatMap((source) => sourceRow(service.key, source, now) ?? []),
    ...(recent.uncommitted.length > 0 ? [uncommittedRow(service.key, recent.uncommitted)] : []),
    ...recent.changes.map((change) => changeRow(news, change, now)),
    ...(others.length > 0 ? [otherRow(news, others, now)] : []),
  ];
}

function changeRow(news: ServiceNews, change: DeliveredChange, now: number): Row {
  const { service, mine } = news;
  const own = ranked(news.feedback?.items.filter((item) => item.change?.commit === change.commit) ?? [], mine, now);
  const where = change.deliveries.length > 0 ? deliveredWords(change.deliveries, now) : waitingWords(service, change.commit);
  const author = mine.has(change.commit) ? 'you' : change.author;
  const what = change.isUncommitted ? 'delivered without a commit' : undefined;
  return {
    // The editor opens a row below which something comes only where it is another row.
    id: `${service.key}#${change.commit}${own.length > 0 ? '#feedback' : ''}`,
    label: change.isUncommitted ? 'Uncommitted changes' : change.subject,
    description: joined([where, what, author]),
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
          ({ environment, at, isLive }) => `${isLive ? 'live in' : 'was in'} ${environment ?? 'the pipeline'} since ${age(at, now)}`,
        ),
        filesWords(change),
      ],
      '\n',
    ),
    ariaLabel: joined([`Change ${change.subject}`, where, `by ${author}`, own.length > 0 ? feedbackCount(own.length) : undefined], ', '),
    contextValues: ['change', ...(change.isUncommitted ? [] : ['commit'])],
    ...(own.length > 0 && { open: 'expanded', children: itemRows(news, own, now) }),
    subject: { service: service.key, change: change.commit, text: change.commit },
    click: 'deliver.openChange',
  };
}

function deliveredWords(deliveries: readonly ChangeDelivery[], now: number): string {
  const live = deliveries.filter(({ isLive }) => isLive);
  if (live.length > 0) return live.map(({ environment, at }) => joined([environment ?? 'delivered', age(at, now)], ' ')).join(', ');
  return 'no longer live';
}

/** What a change waits for that is not delivered yet. */
function waitingWords({ runs, autoDelivery }: ServiceState, commit: string): string {
  const run = runs.find(({ outcome, change }) => !isFinished(outcome) && change.commit === commit);
  if (run) return run.outcome === 'running' ? 'being delivered' : 'waits for the delivery before it';
  return autoDelivery?.waiting?.commit === commit ? `waits, ${autoDelivery.waiting.why}` : 'waiting';
}

function filesWords({ files, tooLarge }: DeliveredChange): string {
  const names = files.slice(0, 10).map(({ path }) => path);
  const more = files.length > names.length ? [`and ${files.length - names.length} more`] : [];
  const large = tooLarge.map((path) => `${path} has too many changed lines to be marked`);
  return [...names, ...more, ...large].join('\n');
}

function itemRows(news: ServiceNews, items: readonly PlacedItem[], now: number): Row[] {
  const rows = items.slice(0, mostItems).map((item) => itemRow(news, item, now));
  if (items.length <= mostItems) return rows;
  const label = `${items.length - mostItems} more`;
  return [...rows, { id: `${rows[0]?.id ?? ''}#more`, label, icon: { name: 'ellipsis' }, ariaLabel: label, subject: {} }];
}

function itemRow(news: ServiceNews, placed: PlacedItem, now: number): Row {
  const { item, source, places, change, fix } = placed;
  const { service } = news;
  const isUnread = news.unread.has(itemKey(placed));
  const [place] = places;
  const at = place && joined([place.path.slice(place.path.lastIndexOf('/') + 1), place.line?.toString()], ':');
  const mended = fix && fixWords(placed, now);
  const description = joined([mended, crowd(item), at, age(lastOf(item), now)]);
  const actions = news.actions.get(source);
  const why = place ? confidenceWords(place) : '';
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
        joined([kindWords[item.kind], crowd(item), item.author, source]),
        place && joined([joined([place.path, place.line?.toString()], ':'), why]),
        change && changeWords(change.by),
        mended,
      ],
      '\n',
    ),
    ariaLabel: joined(
      [isUnread ? 'Unread' : undefined, kindWords[item.kind], item.title, mended, crowd(item), at, why, age(lastOf(item), now)],
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
    subject: {
      service: service.key,
      item: item.id,
      source,
      ...(item.url !== undefined && { url: item.url }),
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

/** How far its fix has come. */
export function fixWords({ item, fix }: PlacedItem, now: number): string | undefined {
  if (!fix) return undefined;
  if (!fix.delivered) return 'fix waits to be delivered';
  if (isBack(item, fix)) return 'back after its fix';
  return joined(['fix delivered', fix.delivered.environment && `to ${fix.delivered.environment}`, age(fix.delivered.at, now)], ' ');
}

function otherRow(news: ServiceNews, items: readonly PlacedItem[], now: number): Row {
  const { key } = news.service;
  return {
    id: `${key}#others`,
    label: 'On Earlier Changes',
    description: feedbackCount(items.length),
    icon: { name: 'history' },
    tooltip: 'Feedback on code that was not changed recently, or of which nothing tells what it is about',
    ariaLabel: `Feedback on earlier changes, ${feedbackCount(items.length)}`,
    open: 'collapsed',
    children: itemRows(news, ranked(items, news.mine, now), now),
    subject: { service: key },
  };
}

function uncommittedRow(service: string, files: readonly string[]): Row {
  const count = `${files.length} ${files.length === 1 ? 'file' : 'files'}`;
  return {
    id: `${service}#uncommitted`,
    label: 'Not committed yet',
    description: count,
    icon: { name: 'edit', color: 'disabledForeground' },
    tooltip: files.slice(0, 20).join('\n'),
    ariaLabel: `Not committed yet, ${count}`,
    subject: { service },
    click: 'deliver.openSourceControl',
  };
}

const failures = {
  offline: { words: 'cannot be reached', icon: 'debug-disconnect' },
  token: { words: 'wants a token', icon: 'key' },
  limit: { words: 'was asked too often', icon: 'watch' },
  answer: { words: 'does not answer as it should', icon: 'warning' },
} as const;

/** Nothing where all is well: silence is good news. */
function sourceRow(service: string, { source, kind, failure, warning, fetchedAt }: SourceState, now: number): Row | undefined {
  const message = failure?.message ?? warning;
  if (message === undefined) return undefined;
  const state = failure && failures[failure.reason];
  const known = fetchedAt === undefined ? 'nothing of it is known yet' : `as of ${age(fetchedAt, now)}`;
  const label = `${findSourceKind(kind)?.label ?? kind} ${state?.words ?? 'was not read whole'}`;
  return {
    id: `${service}#source#${source}`,
    label,
    description: joined([failure && known, message]),
    icon: { name: state?.icon ?? 'warning', color: 'list.warningForeground' },
    tooltip: joined([source, message, failure?.hint, failure && known, failure?.retryAt && `asked again at ${failure.retryAt}`], '\n'),
    ariaLabel: joined([label, source, message, failure && known], ', '),
    contextValues: ['source', ...(failure?.reason === 'token' ? ['token'] : [])],
    subject: { service, source, text: message },
    click: failure?.reason === 'token' ? 'deliver.setFeedbackToken' : 'deliver.refreshFeedback',
  };
}

function problemRow(service: string, message: string): Row {
  return {
    id: `${service}#problem`,
    label: message,
    icon: { name: 'warning', color: 'list.warningForeground' },
    ariaLabel: message,
    subject: { service },
  };
}

function feedbackCount(count: number): string {
  return count === 1 ? '1 item of feedback' : `${count} items of feedback`;
}

/** The same item in every window and after every refresh. */
export function itemKey({ source, item }: Pick<PlacedItem, 'source' | 'item'>): string {
  return `${source}\n${item.id}`;
}
