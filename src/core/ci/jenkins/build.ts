import { listOf, numberOf, recordOf, textOf } from '../../support/json-value';
import { ok, type RemoteRun, type CiResult } from '../ci-client';
import { refParameter } from './checks';
import { unclear, type JenkinsApi } from './jenkins-api';
import { sentence } from './format';

const facts =
  'number,result,building,timestamp,duration,queueId,' +
  'actions[causes[userName,shortDescription],parameters[name,value],lastBuiltRevision[SHA1,branch[name]]],changeSets[items[commitId,msg]]';

/** What is asked of a build. */
export const buildTree = facts;

type State = RemoteRun['state'];

/** `NOT_BUILT`: ended before it came to anything, as by a newer one. https://javadoc.jenkins.io/hudson/model/Result.html */
const results: Readonly<Record<string, State>> = {
  SUCCESS: 'passed',
  UNSTABLE: 'failed',
  FAILURE: 'failed',
  NOT_BUILT: 'cancelled',
  ABORTED: 'cancelled',
};

export interface Build extends RemoteRun {
  readonly number: number;
  readonly queueId: number | undefined;
  readonly result: string | undefined;
}

/** Without jobs, and with the id `build:N`. */
export function readBuild(value: unknown, server: JenkinsApi): CiResult<Build> {
  const build = recordOf(value);
  const number = numberOf(build?.['number']);
  const timestamp = timeOf(numberOf(build?.['timestamp']));
  if (!build || number === undefined) return unclear('Jenkins answered a build without a number');
  if (timestamp === undefined) return unclear(`Jenkins does not say when build ${number} began`);
  const state = stateOf(build);
  if (state === undefined)
    return unclear(`Jenkins says of build ${number} that its result is ${sentence(String(build['result']))}, which is none`);
  const duration = numberOf(build['duration']) ?? 0;
  const isOver = state !== 'running';
  const result = textOf(build['result']);
  const branch = refOf(build['actions']);
  const commit = commitOf(build['actions'], branch);
  const by = starterOf(build['actions']);
  const finishedAt = isOver ? server.asking.time(timeOf((numberOf(build['timestamp']) ?? 0) + duration)) : undefined;
  return ok({
    id: `build:${number}`,
    number,
    queueId: numberOf(build['queueId']),
    result,
    attempt: 1,
    url: server.buildUrl(number),
    branch,
    commit,
    subject: subjectOf(build['changeSets'], commit),
    state,
    createdAt: server.asking.time(timestamp) ?? timestamp,
    jobs: [],
    ...(finishedAt !== undefined && { finishedAt }),
    ...(by !== undefined && { by }),
    ...(isOver && result === 'UNSTABLE' && { reason: unstable }),
    ...(isOver && result === 'NOT_BUILT' && { reason: 'Jenkins ended it before it came to anything' }),
  });
}

export const unstable = 'its tests failed (unstable)';

/** A build has its result while it still goes on, and none for a moment after it began. */
function stateOf({ building, result }: Readonly<Record<string, unknown>>): State | undefined {
  if (building === true || result === null) return 'running';
  return building === false && typeof result === 'string' && Object.hasOwn(results, result) ? results[result] : undefined;
}

function timeOf(ms: number | undefined): string | undefined {
  return ms === undefined || Math.abs(ms) > 8.64e15 ? undefined : new Date(ms).toISOString();
}

/** The branch that was asked for; empty where none was. */
export function refOf(actions: unknown): string {
  const parameters = actionsOf(actions).flatMap((action) => listOf(action['parameters']).map(recordOf));
  const value = textOf(parameters.find((one) => one?.['name'] === refParameter)?.['value']);
  if (value !== undefined) return sentence(value.trim().replace(/^refs\/heads\//, ''));
  const [only, second] = revisionsOf(actions).flatMap(({ branches }) => branches);
  return only === undefined || second !== undefined ? '' : sentence(only.replace(/^(?:refs\/(?:remotes\/)?)?(?:heads|origin)\//, ''));
}

/** Libraries of a pipeline are checked out as well: the commit is that of the branch, or the only one. */
function commitOf(actions: unknown, branch: string): string {
  const all = revisionsOf(actions);
  const own = all.filter(({ branches }) => branches.some((name) => name === branch || name.endsWith(`/${branch}`)));
  const commits = new Set((own.length > 0 ? own : all).map(({ commit }) => commit));
  const [only = ''] = commits;
  return commits.size === 1 ? only : '';
}

function revisionsOf(actions: unknown): { readonly commit: string; readonly branches: readonly string[] }[] {
  return actionsOf(actions).flatMap((action) => {
    const revision = recordOf(action['lastBuiltRevision']);
    const commit = textOf(revision?.['SHA1']);
    if (commit === undefined || !/^[0-9a-f]{40,64}$/.test(commit)) return [];
    return [{ commit, branches: listOf(revision?.['branch']).flatMap((one) => textOf(recordOf(one)?.['name']) ?? []) }];
  });
}

export function starterOf(actions: unknown): string | undefined {
  const causes = actionsOf(actions).flatMap((action) => listOf(action['causes']).map(recordOf));
  const name = causes.map((cause) => textOf(cause?.['userName'])).find((one) => one !== undefined);
  const said = causes.map((cause) => textOf(cause?.['shortDescription'])).find((one) => one !== undefined);
  const text = name ?? said;
  return text === undefined ? undefined : sentence(text);
}

function subjectOf(changes: unknown, commit: string): string {
  const items = listOf(changes).flatMap((set) => listOf(recordOf(set)?.['items']).map(recordOf));
  return sentence(textOf(items.find((item) => commit !== '' && item?.['commitId'] === commit)?.['msg']) ?? '');
}

function actionsOf(actions: unknown): Readonly<Record<string, unknown>>[] {
  return listOf(actions).flatMap((action) => {
    const record = recordOf(action);
    return record ? [record] : [];
  });
}
