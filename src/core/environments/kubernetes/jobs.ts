import { fail, ok, type Result } from '../../model/result';
import { JsonDocuments } from '../../support/json-value';
import { pause } from '../../support/pause';
import type { WriteLine } from '../environment';
import { applyObjects, type ApplyOptions } from './apply';
import type { Kubectl } from './kubectl';
import { type Condition, type KubernetesObject, nameOf, type ObjectList, type Pod } from './objects';
import { RolloutDeadline } from './rollout';
import { findRolloutProblem, type RolloutProblem } from './rollout-problem';

const pollIntervalMs = 1_000;
const logGraceMs = 5_000;

export interface Job extends KubernetesObject {
  readonly spec?: { readonly suspend?: boolean; readonly activeDeadlineSeconds?: number };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

/** Returns how a job has ended, or undefined while it runs. */
export function endOfJob({ status }: Job): { readonly failure?: string } | undefined {
  const conditions = (status?.conditions ?? []).filter((condition) => condition.status === 'True');
  if (conditions.some(({ type }) => type === 'Complete')) return {};
  const failed = conditions.find(({ type }) => type === 'Failed');
  return failed && { failure: failed.message ?? failed.reason ?? 'it failed' };
}

export interface RunningJobs extends Pick<ApplyOptions, 'force' | 'log'> {
  /** Returns whether the job of this name exists and has to be deleted first. */
  readonly isReplaced: (job: KubernetesObject) => boolean;
  /** The limit for a job that has none of its own. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Runs jobs to their end, one after the other. Fails with the first that fails. */
export async function runJobs(kubectl: Kubectl, jobs: readonly KubernetesObject[], options: RunningJobs): Promise<Result<void>> {
  for (const job of jobs) {
    const ended = await runJob(kubectl.in(job.metadata.namespace ?? kubectl.place.namespace ?? 'default'), job, options);
    if (!ended.ok) return ended;
  }
  return ok(undefined);
}

async function runJob(kubectl: Kubectl, job: Job, options: RunningJobs): Promise<Result<void>> {
  const { log, force, timeoutMs, signal } = options;
  const own = job.spec?.activeDeadlineSeconds;
  // The cluster itself ends a job at its own limit, and takes a moment to say so.
  const deadline = new RolloutDeadline(own === undefined ? timeoutMs : own * 1_000 + 30_000, signal, log);
  const name = `jobs.batch/${job.metadata.name}`;
  if (options.isReplaced(job)) {
    const deleted = await deadline.retry((abort) =>
      kubectl.text(['delete', name, '--ignore-not-found', '--cascade=foreground'], { signal: abort, stdout: log }),
    );
    if (!deleted.ok) return deleted;
  }
  const applied = await applyObjects(kubectl, [job], { force, log, deadline });
  if (!applied.ok || job.spec?.suspend === true) return applied;
  const ended = await follow(kubectl, name, log, deadline);
  if (ended.ok) return ended;
  if (ended.isRunning) {
    log(`${nameOf(job)} is deleted, because it has not ended`);
    await kubectl.text(['delete', name, '--ignore-not-found', '--wait=false'], { signal: new AbortController().signal });
  }
  if (signal.aborted) return fail('cancelled', 'cancelled');
  return fail('delivery', `${nameOf(job)} ${ended.message}`, { hint: `its log is above, and in: ${kubectl.shown(`logs ${nameOf(job)}`)}` });
}

type JobEnd =
  { readonly ok: true; readonly value: undefined } | { readonly ok: false; readonly message: string; readonly isRunning?: true };

/** Waits for the end of a job and logs the output of its pods. */
async function follow(kubectl: Kubectl, name: string, log: WriteLine, deadline: RolloutDeadline): Promise<JobEnd> {
  const done = new AbortController();
  const signal = AbortSignal.any([done.signal, deadline.signal]);
  let seen: Job | undefined;
  let end: { readonly failure?: string } | undefined;
  const logs = new Map<string, Promise<unknown>>();
  const watching = (async () => {
    while (!signal.aborted && !end) {
      const documents = new JsonDocuments<Job>();
      const stop = new AbortController();
      const stdout = (line: string): void => {
        const job = documents.take(line);
        if (!job) return;
        seen = job;
        end ??= endOfJob(job);
        if (end) stop.abort();
      };
      // A watch sees the end even of a job that the cluster deletes once it has ended.
      const both = AbortSignal.any([signal, stop.signal]);
      await kubectl.run(['get', name, '--watch', '--output=json'], { signal: both, streaming: true, stdout });
      if (!end) await pause(pollIntervalMs, signal);
    }
  })();
  let problem: RolloutProblem | undefined;
  let since = Date.now();
  const isOver = (): boolean => end !== undefined || signal.aborted || deadline.remainingMs === 0;
  for (let isLast = false; ; isLast = isOver()) {
    const pods = await readPods(kubectl, seen, deadline);
    for (const pod of pods) {
      for (const { name: container, state, restartCount = 0 } of [
        ...(pod.status?.initContainerStatuses ?? []),
        ...(pod.status?.containerStatuses ?? []),
      ]) {
        const key = `${pod.metadata.name} ${container} ${restartCount}`;
        if ((!state?.running && !state?.terminated) || logs.has(key)) continue;
        const args = ['logs', pod.metadata.name, `--container=${container}`, '--follow=true'];
        logs.set(key, kubectl.run(args, { signal, streaming: true, stdout: (line) => log(`  ${line}`) }));
      }
    }
    const found = findRolloutProblem(pods, [], false);
    if (found?.failAfterMs !== problem?.failAfterMs) since = Date.now();
    problem = found;
    if (isLast || (problem?.failAfterMs !== undefined && !problem.crashed && Date.now() - since >= problem.failAfterMs)) break;
    await Promise.race([watching, pause(pollIntervalMs, signal)]);
  }
  // The log of a container that has ended is complete. A node that is gone may never send it.
  if (end) await Promise.race([Promise.all(logs.values()), pause(logGraceMs, signal)]);
  done.abort();
  await Promise.all([watching, ...logs.values()]);
  if (end) return end.failure === undefined ? { ok: true, value: undefined } : { ok: false, message: `failed: ${end.failure}` };
  if (problem) return { ok: false, message: `does not run: ${problem.message}`, isRunning: true };
  return { ok: false, message: 'did not end in time', isRunning: true };
}

async function readPods(kubectl: Kubectl, job: Job | undefined, { signal }: RolloutDeadline): Promise<readonly Pod[]> {
  if (job?.metadata.uid === undefined) return [];
  const pods = await kubectl.json<ObjectList<Pod>>(['get', 'pods', `--selector=controller-uid=${job.metadata.uid}`], { signal });
  return pods.ok ? (pods.value.items ?? []) : [];
}
