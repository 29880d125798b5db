import { listOf, numberOf, recordOf, textOf } from '../../support/json-value';
import { ok, type CiResult } from '../ci-client';
import { unclear, type JenkinsApi } from './jenkins-api';

/** Where a build begins that did not begin at the start. */
export interface Restart {
  /** The build whose stages before it are not run again. */
  readonly of: number;
  readonly stage: string;
}

/**
 * By the cause of a build, which Jenkins tells only as a sentence of its own (pipeline-model-definition,
 * `RestartDeclarativePipelineCause`). Its number is written as people write numbers: `1,234`.
 */
export function restartOf(actions: unknown): Restart | undefined {
  for (const action of listOf(actions))
    for (const cause of listOf(recordOf(action)?.['causes'])) {
      const said = /^Restarted from build #(\d[\d.,'’\s]*?), stage (.+)$/s.exec(textOf(recordOf(cause)?.['shortDescription']) ?? '');
      const of = Number((said?.[1] ?? '').replace(/\D/g, ''));
      if (said?.[2] !== undefined && Number.isSafeInteger(of)) return { of, stage: said[2] };
    }
  return undefined;
}

/** Of a build that is looked for: it must be among the latest. */
const mostBuilds = 100;

export interface KnownRestarts {
  /** How many builds came after a build, or wait to; undefined where it is not among the latest. */
  after(number: number): number | undefined;
  /** Whether the build itself is a restart. */
  isRestart(number: number): boolean;
  /** The items of the queue that are a restart, or became one. */
  items(restart: Restart): readonly number[];
}

/** All that are known now, those that wait among them: what leaves the queue meanwhile is a build by the second answer. */
export async function knownRestarts(server: JenkinsApi, signal: AbortSignal): Promise<CiResult<KnownRestarts>> {
  const causes = 'actions[causes[shortDescription]]';
  const queue = await server.record(`/queue/api/json?tree=items[id,task[url],${causes}]`, signal);
  if (queue.state === 'failed') return queue;
  const job = await server.record(`${server.jobPath}/api/json?tree=url,builds[number,queueId,${causes}]{0,${mostBuilds}}`, signal);
  if (job.state === 'failed') return job;
  if (!Array.isArray(queue.value['items'])) return unclear('Jenkins answered no queue');
  if (!Array.isArray(job.value['builds'])) return unclear(`Jenkins answered no builds of ${server.job}`);
  const { url } = job.value;
  const waiting = listOf(queue.value['items'])
    .map(recordOf)
    .filter((item) => textOf(recordOf(item?.['task'])?.['url']) === url)
    .map((item) => ({ id: numberOf(item?.['id']), restart: restartOf(item?.['actions']) }));
  const builds = listOf(job.value['builds'])
    .map(recordOf)
    .map((build) => ({ number: numberOf(build?.['number']), id: numberOf(build?.['queueId']), restart: restartOf(build?.['actions']) }));
  return ok({
    after: (number) =>
      builds.some((build) => build.number === number)
        ? builds.filter((build) => (build.number ?? 0) > number).length + waiting.length
        : undefined,
    isRestart: (number) => builds.some((build) => build.number === number && build.restart !== undefined),
    items: ({ of, stage }) => {
      const same = [...waiting, ...builds].filter(({ restart }) => restart?.of === of && restart.stage === stage);
      return [...new Set(same.flatMap(({ id }) => id ?? []))];
    },
  });
}
