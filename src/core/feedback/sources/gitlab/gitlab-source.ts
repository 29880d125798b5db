import { fail, ok, type Result } from '../../../model/result';
import type { GitlabSourceDefinition } from './descriptor';
import { Api, asResult } from '../../../http/api';
import { gitlabAddress, publicGitlab } from '../../../http/code-host-address';
import type { HttpClient } from '../../../http/http-client';
import { changedIssues, type IssueTracker, type ReadIssue } from '../issue-tracker';
import type { FeedbackItem } from '../../item';
import { listOf, numberOf, present, recordOf, textOf } from '../../../support/json-value';

import type { FeedbackSource, SourceDefaults } from '../../source';
import type { Tokens } from '../../../model/tokens';

/** The issues of a project that have all the labels. `url` selects a self-managed server. */
export function openGitlabSource(
  settings: GitlabSourceDefinition,
  client: HttpClient,
  tokens: Tokens,
  defaults: SourceDefaults,
): FeedbackSource {
  const { labels, url = publicGitlab } = settings;
  const server = url.replace(/\/+$/, '').replace(/\/api\/v4$/, '');
  const { origin, now = Date.now } = defaults;
  const project = settings.project ?? (origin?.host === server ? origin.path : undefined);
  const api = new Api(gitlabAddress(server), client, tokens);
  const place = server === publicGitlab ? '' : `${server.replace(/^https?:\/\//, '')}/`;
  const name = ['gitlab', `${place}${project ?? ''}`, labels.join(',')].filter((part) => part !== '').join(' ');
  const folder = `/projects/${encodeURIComponent(project ?? '')}/issues`;
  const tracker: IssueTracker = { name, api, address: (state, since) => `${folder}?${queryOf(state, labels, since)}`, read: readIssue };
  return {
    kind: 'gitlab',
    name,
    ...(api.origin !== undefined && { host: api.origin }),
    fetch: async (memory, signal) =>
      project !== undefined
        ? changedIssues(tracker, memory, signal, now())
        : {
            state: 'failed',
            reason: 'answer',
            message: `origin is no project of ${server}`,
            hint: 'name it in delivery.yaml: gitlab: {project: group/name}',
          },
    actions: {
      resolve: async (item) => closeIssue(api, `${folder}/${item.id}`, item),
      assignToMe: async (item) => assignIssue(api, `${folder}/${item.id}`, item),
      reply: async (item, text) => commentOn(api, `${folder}/${item.id}`, item, text),
    },
  };
}

function queryOf(state: 'open' | 'closed' | 'all', labels: readonly string[], since?: string): string {
  return new URLSearchParams(
    present({
      state: state === 'open' ? 'opened' : state,
      labels: labels.length > 0 ? labels.join(',') : undefined,
      order_by: 'updated_at',
      sort: 'desc',
      updated_after: since,
      scope: 'all',
      per_page: '100',
    }),
  ).toString();
}

function readIssue(value: unknown): ReadIssue | string {
  const issue = recordOf(value);
  const number = numberOf(issue?.['iid']);
  const title = textOf(issue?.['title']);
  if (!issue || number === undefined) return 'an issue has no number';
  if (title === undefined) return `#${number} has no title`;
  const createdAt = textOf(issue['created_at']) ?? '';
  const updatedAt = textOf(issue['updated_at']);
  const isClosed = issue['state'] === 'closed';
  const item: FeedbackItem = {
    id: String(number),
    kind: 'ticket',
    title,
    createdAt,
    count: 1,
    people: 1 + (numberOf(issue['upvotes']) ?? 0),
    components: listOf(issue['labels']).flatMap((label) => textOf(label) ?? textOf(recordOf(label)?.['name']) ?? []),
    reference: `#${number}`,
    ...present({
      body: textOf(issue['description']),
      lastSeenAt: updatedAt,
      // A reopened issue may still have a closing time; an issue that was closed long ago may have none.
      closedAt: isClosed ? (textOf(issue['closed_at']) ?? updatedAt ?? createdAt) : undefined,
      author: textOf(recordOf(issue['author'])?.['username']),
      assignee: textOf(recordOf(listOf(issue['assignees'])[0])?.['username']),
      url: textOf(issue['web_url']),
    }),
  };
  return { item, updatedAt: updatedAt ?? createdAt };
}

async function closeIssue(api: Api, address: string, { id }: FeedbackItem): Promise<Result<string>> {
  const answer = await api.write('PUT', address, { state_event: 'close' });
  if (!answer.ok) return answer;
  const state = textOf(recordOf(answer.value)?.['state']);
  return state === 'closed' ? ok(`GitLab closed #${id}`) : fail('machinery', `GitLab says that #${id} is ${state ?? 'not closed'}`);
}

async function assignIssue(api: Api, address: string, { id }: FeedbackItem): Promise<Result<string>> {
  const me = await api.get('/user', new AbortController().signal);
  if (me.state === 'failed') return asResult(me);
  const user = recordOf(me.value);
  const [userId, username] = [numberOf(user?.['id']), textOf(user?.['username'])];
  if (userId === undefined || username === undefined) return fail('machinery', 'GitLab does not say who you are');
  const answer = await api.write('PUT', address, { assignee_ids: [userId] });
  if (!answer.ok) return answer;
  const assigned = listOf(recordOf(answer.value)?.['assignees']).map((one) => recordOf(one)?.['id']);
  return assigned.includes(userId)
    ? ok(`GitLab assigned #${id} to ${username}`)
    : fail('machinery', `GitLab did not assign #${id} to ${username}`, { hint: 'it takes the role of a reporter in the project' });
}

async function commentOn(api: Api, address: string, { id }: FeedbackItem, text: string): Promise<Result<string>> {
  const answer = await api.write('POST', `${address}/notes`, { body: text });
  return answer.ok ? ok(`GitLab added a comment to #${id}`) : answer;
}
