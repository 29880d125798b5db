import { fail, ok, type Result } from '../../../model/result';
import type { SentrySourceDefinition } from './descriptor';
import { Api, type JsonAnswer } from '../../../http/api';
import type { HttpClient } from '../../../http/http-client';
import type { HttpFailure } from '../../../http/http-answer';
import type { FeedbackItem } from '../../item';
import { listOf, present, recordOf, textOf } from '../../../support/json-value';
import { linkToNext, type Pages, readPages } from '../../../http/pages';
import { readReport, readSentryIssue, type SentryIssue } from './sentry-issue';
import type { Answer, FeedbackSource, FetchState } from '../../source';
import type { Tokens } from '../../../model/tokens';
import { warningOf } from '../issue-tracker';
import { type EventDetails, readEvent } from './sentry-event';

const publicServer = 'https://sentry.io';
/** Pages of 100 entries. */
const mostPages = 5;

/** The issues of a project on Sentry or a compatible server, with stacks and customers' comments. */
export function openSentrySource(settings: SentrySourceDefinition, client: HttpClient, tokens: Tokens): FeedbackSource {
  const { organization, project, environment, query, url = publicServer } = settings;
  const server = url.replace(/\/+$/, '').replace(/\/api\/0$/, '');
  const api = new Api({ kind: 'sentry', base: `${server}/api/0` }, client, tokens);
  const place = server === publicServer ? '' : `${server.replace(/^https?:\/\//, '')}/`;
  const name = [`sentry ${place}${organization}/${project}`, environment, query].filter((part) => part !== undefined).join(' ');
  return {
    kind: 'sentry',
    name,
    ...(api.origin !== undefined && { host: api.origin }),
    fetch: async (memory, signal) => new Fetch(settings, name, api, signal).run(memory),
    actions: { resolve: async (item) => resolveIssue(api, organization, item) },
  };
}

class Fetch {
  private readonly unread: string[] = [];
  private readonly notes: string[] = [];

  constructor(
    private readonly settings: SentrySourceDefinition,
    private readonly name: string,
    private readonly api: Api,
    private readonly signal: AbortSignal,
  ) {}

  async run(memory: FetchState): Promise<Answer> {
    const project = await this.projectId(memory['project']);
    if (typeof project !== 'string') return project;
    const { query = 'is:unresolved' } = this.settings;
    const errors = await this.list(this.issuesAddress(project, query));
    if (errors.state === 'failed') return errors;
    if (errors.pages.some(({ value }) => !Array.isArray(value)))
      return { state: 'failed', reason: 'answer', message: `${this.name} answered something that is no list of issues` };
    // A configured query replaces the default filter.
    const isAsked = this.settings.query !== undefined;
    const comments = isAsked ? [] : await this.extra(this.issuesAddress(project, 'is:unresolved issue.category:feedback'));
    const reports = isAsked ? [] : await this.extra(this.reportsAddress());
    // An incomplete list does not show which issues are resolved.
    const resolved = isAsked || errors.cut === undefined ? [] : await this.extra(this.issuesAddress(project, 'is:resolved'));
    const issues = this.read([...errors.pages.flatMap(({ value }) => listOf(value)), ...comments]);
    const looked = new SentryDetails(this.api, this.settings.organization, memory['details']);
    const { details, remember } = await looked.of(issues, this.signal);
    const items: FeedbackItem[] = [...this.read(resolved), ...issues].map(({ id, item }) => ({ ...item, ...details.get(id) }));
    for (const value of reports) {
      const report = readReport(value, details);
      if (typeof report === 'string') this.unread.push(report);
      else items.push(report);
    }
    const isComplete = errors.cut === undefined && this.unread.length === 0 && this.notes.length === 0;
    const later = looked.failure && `some stacks or releases are missing: ${looked.failure.message}`;
    const warning = warningOf(this.name, this.unread, errors.cut, ...this.notes, later);
    return {
      state: 'items',
      items,
      isComplete,
      memory: { project, details: remember },
      ...(warning !== undefined && { warning }),
    };
  }

  /** The list needs the project's number; the configuration contains its name. */
  private async projectId(known: string | undefined): Promise<string | HttpFailure> {
    const { organization, project } = this.settings;
    if (/^\d+$/.test(project)) return project;
    if (known !== undefined) return known;
    const answer = await this.api.get(`/projects/${encodeURIComponent(organization)}/${encodeURIComponent(project)}/`, this.signal);
    if (answer.state === 'failed') return answer;
    const id = textOf(recordOf(answer.value)?.['id']);
    return id ?? { state: 'failed', reason: 'answer', message: `${this.name} does not tell the project's number` };
  }

  private issuesAddress(project: string, query: string): string {
    const { organization, environment } = this.settings;
    const parameters = new URLSearchParams(present({ project, environment, query, statsPeriod: '90d', limit: '100' }));
    return `/organizations/${encodeURIComponent(organization)}/issues/?${parameters.toString()}`;
  }

  private reportsAddress(): string {
    const { organization, project } = this.settings;
    return `/projects/${encodeURIComponent(organization)}/${encodeURIComponent(project)}/user-feedback/`;
  }

  private async list(first: string): Promise<Pages<JsonAnswer> | HttpFailure> {
    return readPages({ first, get: async (url) => this.api.get(url, this.signal), next: nextOf, most: mostPages });
  }

  /** Reads comments, which some servers lack and some tokens may not read. The newest come first, so only old ones are left out. */
  private async extra(first: string): Promise<readonly unknown[]> {
    const list = await this.list(first);
    if (list.state === 'failed') {
      if (![400, 403, 404].includes(list.status ?? 0)) this.notes.push(list.message);
      return [];
    }
    return list.pages.flatMap(({ value }) => listOf(value));
  }

  private read(values: readonly unknown[]): SentryIssue[] {
    const issues = new Map<string, SentryIssue>();
    for (const value of values) {
      const issue = readSentryIssue(value);
      if (typeof issue === 'string') this.unread.push(issue);
      else issues.set(issue.id, issue);
    }
    return [...issues.values()];
  }
}

/** Returns the next page by its cursor: the address may name another host of the same service. */
function nextOf(page: JsonAnswer): string | undefined {
  const next = linkToNext(page);
  if (next?.cursor === undefined) return next?.address;
  const url = new URL(page.url);
  url.searchParams.set('cursor', next.cursor);
  return url.href;
}

async function resolveIssue(api: Api, organization: string, { id, reference }: FeedbackItem): Promise<Result<string>> {
  const [issue = ''] = id.split('/');
  if (!/^\d+$/.test(issue)) return fail('usage', 'this report belongs to no issue that could be resolved');
  const answer = await api.write('PUT', `/organizations/${encodeURIComponent(organization)}/issues/${issue}/`, { status: 'resolved' });
  if (!answer.ok) return answer;
  const status = textOf(recordOf(answer.value)?.['status']);
  const named = reference ?? issue;
  return status === 'resolved'
    ? ok(`Sentry resolved ${named}`)
    : fail('machinery', `Sentry says that ${named} is ${status ?? 'not resolved'}`);
}

interface Known {
  readonly issues: Readonly<Record<string, { readonly stamp: string; readonly details: EventDetails }>>;
  readonly releases: Readonly<Record<string, readonly string[]>>;
}

const mostEvents = 25;
const mostReleases = 5;
const mostCommits = 10;
const mostKnownReleases = 50;

/** Details of issues that the list does not contain. Each fetch requests a limited number, and only new ones. */
export class SentryDetails {
  private readonly known: Known;
  /** Why some details are missing. */
  failure: HttpFailure | undefined;

  constructor(
    private readonly api: Api,
    private readonly organization: string,
    remembered: string | undefined,
  ) {
    this.known = parsed(remembered);
  }

  /** Returns the known details by issue id, and the state for the next fetch. */
  async of(issues: readonly SentryIssue[], signal: AbortSignal): Promise<{ details: Map<string, EventDetails>; remember: string }> {
    const events = await this.events(issues, signal);
    const releases = await this.releases(
      [...events.values()].flatMap(({ details }) => details.release ?? []),
      signal,
    );
    const details = new Map([...events].map(([id, one]) => [id, withCommits(one.details, releases)]));
    const known: Known = { issues: Object.fromEntries(events), releases: Object.fromEntries(releases) };
    return { details, remember: JSON.stringify(known) };
  }

  private async events(issues: readonly SentryIssue[], signal: AbortSignal): Promise<Map<string, Known['issues'][string]>> {
    const events = new Map<string, Known['issues'][string]>();
    let asked = 0;
    for (const { id, stamp } of issues) {
      const known = Object.hasOwn(this.known.issues, id) ? this.known.issues[id] : undefined;
      if (known) events.set(id, known);
      if (known?.stamp === stamp || asked === mostEvents || this.isOver()) continue;
      asked++;
      const event = await this.event(id, signal);
      if (event.state === 'answered') events.set(id, { stamp, details: readEvent(event.value) });
      else {
        // Sentry may delete the events before the issue.
        if (event.status !== 404) this.failure = event;
        // A failed issue does not block the next one.
        if (event.reason === 'answer') events.set(id, { stamp, details: known?.details ?? {} });
      }
    }
    return events;
  }

  /** Older servers support neither the recommended event nor the address below the organization. */
  private async event(id: string, signal: AbortSignal): Promise<JsonAnswer | HttpFailure> {
    const issue = encodeURIComponent(id);
    const best = await this.api.get(`/organizations/${encodeURIComponent(this.organization)}/issues/${issue}/events/recommended/`, signal);
    const isUnknown = best.state === 'failed' && [400, 404, 422].includes(best.status ?? 0);
    return isUnknown ? this.api.get(`/issues/${issue}/events/latest/`, signal) : best;
  }

  /** The response would be the same. */
  private isOver(): boolean {
    return this.failure !== undefined && this.failure.reason !== 'answer';
  }

  private async releases(versions: readonly string[], signal: AbortSignal): Promise<Map<string, readonly string[]>> {
    const commits = new Map<string, readonly string[]>();
    let asked = 0;
    for (const version of new Set(versions)) {
      if (commits.size === mostKnownReleases) break;
      const known = Object.hasOwn(this.known.releases, version) ? this.known.releases[version] : undefined;
      if (known) commits.set(version, known);
      // Many releases are named after their commit.
      if (known || asked === mostReleases || this.isOver() || /[0-9a-f]{40}/.test(version)) continue;
      asked++;
      const path = `/organizations/${encodeURIComponent(this.organization)}/releases/${encodeURIComponent(version)}/commits/`;
      const answer = await this.api.get(path, signal);
      if (answer.state === 'answered') commits.set(version, commitsOf(answer.value));
      else if (answer.status === 404 || answer.status === 403) commits.set(version, []);
      else this.failure = answer;
    }
    return commits;
  }
}

function commitsOf(value: unknown): string[] {
  return listOf(value)
    .slice(0, mostCommits)
    .flatMap((commit) => textOf(recordOf(commit)?.['id']) ?? []);
}

function withCommits(
  details: EventDetails,
  releases: ReadonlyMap<string, readonly string[]>,
): EventDetails & { releaseCommits?: readonly string[] } {
  const commits = details.release === undefined ? [] : (releases.get(details.release) ?? []);
  return commits.length === 0 ? details : { ...details, releaseCommits: commits };
}

/** Details that an earlier version stored in another format are fetched again. */
function parsed(remembered: string | undefined): Known {
  try {
    const known = recordOf(JSON.parse(remembered ?? '{}'));
    const [issues, releases] = [recordOf(known?.['issues']), recordOf(known?.['releases'])];
    if (issues && releases) return { issues, releases } as Known;
  } catch {
    // treated as empty
  }
  return { issues: {}, releases: {} };
}
