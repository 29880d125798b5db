import { fail, ok, type Result } from '../../../model/result';
import type { GithubSourceDefinition } from './descriptor';
import { Api, asResult } from '../../../http/api';
import { githubAddress, isGithubRepository, publicGithub } from '../../../http/code-host-address';
import type { HttpClient } from '../../../http/http-client';
import { changedIssues, type IssueTracker, type ReadIssue } from '../issue-tracker';
import type { FeedbackItem } from '../../item';
import { listOf, numberOf, present, recordOf, textOf } from '../../../support/json-value';

import type { FeedbackSource, SourceDefaults } from '../../source';
import type { Tokens } from '../../../model/tokens';

/** The issues of a repository that have all the labels. `url` selects a GitHub Enterprise server. */
export function openGithubSource(
  settings: GithubSourceDefinition,
  client: HttpClient,
  tokens: Tokens,
  defaults: SourceDefaults,
): FeedbackSource {
  const { labels, url = publicGithub } = settings;
  const server = url.replace(/\/+$/, '');
  const { origin, now = Date.now } = defaults;
  const repository = settings.repository ?? (origin?.host === server ? origin.path : undefined);
  const api = new Api(githubAddress(server), client, tokens);
  const place = server === publicGithub ? '' : `${server.replace(/^https?:\/\//, '')}/`;
  const name = ['github', `${place}${repository ?? ''}`, labels.join(',')].filter((part) => part !== '').join(' ');
  const isNamed = repository !== undefined && isGithubRepository(repository);
  const folder = `/repos/${repository ?? ''}/issues`;
  const tracker: IssueTracker = { name, api, address: (state, since) => `${folder}?${queryOf(state, labels, since)}`, read: readIssue };
  return {
    kind: 'github',
    name,
    ...(api.origin !== undefined && { host: api.origin }),
    fetch: async (memory, signal) =>
      isNamed
        ? changedIssues(tracker, memory, signal, now())
        : {
            state: 'failed',
            reason: 'answer',
            message: repository === undefined ? `origin is no repository of ${server}` : `“${repository}” is not owner/name`,
            hint: 'name it in delivery.yaml: github: {repository: owner/name}',
          },
    actions: {
      resolve: async (item) => closeIssue(api, `${folder}/${item.id}`, item),
      assignToMe: async (item) => assignIssue(api, `${folder}/${item.id}`, item),
      reply: async (item, text) => commentOn(api, `${folder}/${item.id}`, item, text),
    },
  };
}

function queryOf(state: string, labels: readonly string[], since?: string): string {
  const labelled = labels.length > 0 ? labels.join(',') : undefined;
  return new URLSearchParams(present({ state, labels: labelled, sort: 'updated', direction: 'desc', since, per_page: '100' })).toString();
}

/** The list includes pull requests, which are skipped. */
function readIssue(value: unknown): ReadIssue | string | undefined {
  const issue = recordOf(value);
  const number = numberOf(issue?.['number']);
  const title = textOf(issue?.['title']);
  if (issue?.['pull_request']) return undefined;
  if (!issue || number === undefined) return 'an issue has no number';
  if (title === undefined) return `#${number} has no title`;
  const createdAt = textOf(issue['created_at']) ?? '';
  const updatedAt = textOf(issue['updated_at']);
  const thumbs = numberOf(recordOf(issue['reactions'])?.['+1']) ?? 0;
  const labels = listOf(issue['labels']).flatMap((label) => textOf(label) ?? textOf(recordOf(label)?.['name']) ?? []);
  const item: FeedbackItem = {
    id: String(number),
    kind: 'ticket',
    title,
    createdAt,
    count: 1,
    people: 1 + thumbs,
    components: labels,
    reference: `#${number}`,
    ...present({
      body: textOf(issue['body']),
      lastSeenAt: updatedAt,
      closedAt: textOf(issue['closed_at']),
      author: textOf(recordOf(issue['user'])?.['login']),
      assignee: textOf(recordOf(issue['assignee'])?.['login']),
      url: textOf(issue['html_url']),
    }),
  };
  return { item, updatedAt: updatedAt ?? createdAt };
}

async function closeIssue(api: Api, address: string, { id }: FeedbackItem): Promise<Result<string>> {
  const answer = await api.write('PATCH', address, { state: 'closed', state_reason: 'completed' });
  if (!answer.ok) return answer;
  const state = textOf(recordOf(answer.value)?.['state']);
  return state === 'closed' ? ok(`GitHub closed #${id}`) : fail('machinery', `GitHub says that #${id} is ${state ?? 'not closed'}`);
}

/** GitHub ignores an assignee without permission and still reports success. */
async function assignIssue(api: Api, address: string, { id }: FeedbackItem): Promise<Result<string>> {
  const me = await api.get('/user', new AbortController().signal);
  if (me.state === 'failed') return asResult(me);
  const login = textOf(recordOf(me.value)?.['login']);
  if (login === undefined) return fail('machinery', 'GitHub does not say who you are');
  const answer = await api.write('POST', `${address}/assignees`, { assignees: [login] });
  if (!answer.ok) return answer;
  const assigned = listOf(recordOf(answer.value)?.['assignees']).map((one) => recordOf(one)?.['login']);
  return assigned.includes(login)
    ? ok(`GitHub assigned #${id} to ${login}`)
    : fail('machinery', `GitHub did not assign #${id} to ${login}`, { hint: 'it takes write access to the repository' });
}

async function commentOn(api: Api, address: string, { id }: FeedbackItem, text: string): Promise<Result<string>> {
  const answer = await api.write('POST', `${address}/comments`, { body: text });
  if (!answer.ok) return answer;
  const url = textOf(recordOf(answer.value)?.['html_url']);
  return ok(`GitHub added a comment to #${id}${url === undefined ? '' : `: ${url}`}`);
}
