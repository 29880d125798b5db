import { fail, ok, type Result } from '../../../model/result';
import type { SentrySourceDefinition } from './descriptor';
import { Api, type JsonAnswer } from '../../../http/api';
import type { HttpClient } from '../../../http/http-client';
import type { HttpFailure } from '../../../http/http-answer';
import type { FeedbackItem } from '../../item';
import { listOf, present, recordOf, textOf } from '../../../support/json-value';
import { linkToNext, readPages, type Pages } from '../../../http/pages';
import { SentryDetails } from './sentry-details';
import { readReport, readSentryIssue, type SentryIssue } from './sentry-issue';
import type { Answer, FeedbackSource, FetchState } from '../../source';
import type { Tokens } from '../../../model/tokens';
import { warningOf } from '../unread';

const publicServer = 'https://sentry.io';
/** Of 100 each. */
const mostPages = 5;

/** The issues of a project of Sentry or a server that answers as it does, with their stacks, and what customers wrote about them. */
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
    // Whoever writes a query says what is wanted.
    const isAsked = this.settings.query !== undefined;
    const comments = isAsked ? [] : await this.extra(this.issuesAddress(project, 'is:unresolved issue.category:feedback'));
    const reports = isAsked ? [] : await this.extra(this.reportsAddress());
    // Where the list has no end, it does not tell who left it.
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
    const later = looked.failure && `some stacks or releases were not told, as ${looked.failure.message}`;
    const warning = warningOf(this.name, this.unread, errors.cut, ...this.notes, later);
    return {
      state: 'items',
      items,
      isComplete,
      memory: { project, details: remember },
      ...(warning !== undefined && { warning }),
    };
  }

  /** Lists want the number of a project, people know its name. */
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

  /** What some servers do not have, and some tokens may not read. The newest come first: what is left out is old. */
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

/** By its cursor: the address may name another host of the same service. */
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
