import { gitlabSteps } from './pipeline-file';
import { listOf, present, recordOf, textOf } from '../../support/json-value';
import type { ConditionalClient } from '../conditional-client';
import type { RemoteJob } from '../ci-client';
import { shown, webAddress, type Json } from './project';
import { failureReason, isOver, jobState, waitingReason } from './states';

/** Whose jobs are wanted, as the exported files name them. */
export interface Naming {
  readonly service: string;
  /** The only service of its repository. */
  readonly isAlone: boolean;
}

/** A job as the API tells it. */
export interface JobRecord {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly json: Json;
}

/** What is known of jobs beyond what the list of them says. */
export interface JobsAround {
  /** The run is over: what waits in it will not begin. */
  readonly isOver: boolean;
  /** Ids of those that passed before the run was told to go on. */
  readonly kept: ReadonlySet<string>;
  /** Which try of its name each is, by id; absent where none was tried again. */
  readonly tries: ReadonlyMap<string, number> | undefined;
  /** Where each deploys to, by id. */
  readonly environments: ReadonlyMap<string, { readonly name: string; readonly url: string }>;
}

/** Undefined for what is no job that can be told from others. */
export function jobRecord(value: unknown): JobRecord | undefined {
  const json = recordOf(value);
  const [id, name, status] = [textOf(json?.['id']), textOf(json?.['name']), textOf(json?.['status'])];
  return json && id !== undefined && name !== undefined && status !== undefined ? { id, name, status, json } : undefined;
}

/** One of each name: pages that are read while jobs are started again may tell an earlier try, too. */
export function latestTries(jobs: readonly JobRecord[]): JobRecord[] {
  const latest = new Map<string, JobRecord>();
  for (const job of jobs) {
    const other = latest.get(job.name);
    if (!other || Number(other.id) < Number(job.id)) latest.set(job.name, job);
  }
  return [...latest.values()];
}

/** In the order of the pipeline, as far as it is known: GitLab makes jobs stage by stage. A job that was tried again stays in its place. */
export function inOrder(jobs: readonly JobRecord[], all: readonly JobRecord[]): JobRecord[] {
  const first = new Map<string, number>();
  for (const { name, id } of [...all, ...jobs]) first.set(name, Math.min(first.get(name) ?? Infinity, Number(id)));
  return [...jobs].sort((a, b) => (first.get(a.name) ?? 0) - (first.get(b.name) ?? 0));
}

/** A job that was made after another of its run had begun is not its first try: GitLab makes all jobs of a pipeline at once. */
export function hasRetried(jobs: readonly JobRecord[], startedAt: string | undefined): boolean {
  const times = (name: string): number[] => jobs.map(({ json }) => Date.parse(textOf(json[name]) ?? '')).filter((ms) => !Number.isNaN(ms));
  const begun = [Date.parse(startedAt ?? ''), ...times('started_at')].filter((ms) => !Number.isNaN(ms));
  const earliest = begun.reduce((a, b) => Math.min(a, b), Infinity);
  return times('created_at').some((made) => made > earliest);
}

/** The jobs of the service as its steps. A sentence, where one is in a state that cannot be told. */
export function readJobs(
  records: readonly JobRecord[],
  naming: Naming,
  around: JobsAround,
  asking: ConditionalClient,
): RemoteJob[] | string {
  const names = records.map(({ name }) => name);
  const steps = gitlabSteps(names, naming.service, naming.isAlone);
  const jobs: RemoteJob[] = [];
  for (const record of records) {
    const step = steps.get(record.name);
    if (step === undefined) continue;
    const job = readJob(record, shown(step) ?? '', around, asking);
    if (typeof job === 'string') return job;
    jobs.push(job);
  }
  return jobs;
}

function readJob(record: JobRecord, name: string, around: JobsAround, asking: ConditionalClient): RemoteJob | string {
  const { id, status, json } = record;
  const startedAt = asking.time(textOf(json['started_at']));
  const finishedAt = asking.time(textOf(json['finished_at']));
  const known = jobState(status);
  if (known === undefined && finishedAt !== undefined) return `GitLab says that ${name} is “${shown(status, 50)}”, which is unknown here`;
  // What nobody starts by hand in a run that is over.
  const isLeft = known === 'waiting' && around.isOver;
  const plainState = isLeft ? 'skipped' : (known ?? (startedAt === undefined ? 'waiting' : 'running'));
  const state = plainState === 'passed' && around.kept.has(id) ? 'kept' : plainState;
  const tags = listOf(json['tag_list']).flatMap((tag) => shown(tag, 50) ?? []);
  const environment = around.environments.get(id);
  const wasErased = textOf(json['erased_at']) !== undefined;
  const reasons = [
    known === undefined ? `GitLab calls it “${shown(status, 50)}”` : undefined,
    state === 'waiting' ? waitingReason(status, tags, environment?.name) : undefined,
    isLeft ? 'nobody started it' : undefined,
    state === 'failed' ? failureReason(textOf(json['failure_reason']), tags, startedAt !== undefined) : undefined,
    state === 'failed' && json['allow_failure'] === true ? 'it may fail' : undefined,
    wasErased ? 'its log was erased' : undefined,
  ].filter((reason) => reason !== undefined);
  return {
    id,
    name,
    attempt: around.tries?.get(id) ?? 1,
    state,
    hasLog: startedAt !== undefined && !wasErased,
    ...present({
      startedAt,
      finishedAt: isOver(state) ? finishedAt : undefined,
      reason: reasons.length > 0 ? reasons.join('; ') : undefined,
      approval: state === 'waiting' && status === 'manual' ? (environment?.name ?? name) : undefined,
      url: webAddress(json['web_url']),
      deployedTo: state === 'passed' || state === 'kept' ? webAddress(environment?.url) : undefined,
    }),
  };
}
