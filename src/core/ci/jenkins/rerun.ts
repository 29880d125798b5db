import { recordOf, textOf } from '../../support/json-value';
import { restartableStages, type RestartableStage } from './jenkins-restart';
import { ok, type RemoteRun, type CiResult } from '../ci-client';
import { unclear, type JenkinsApi } from './jenkins-api';
import { knownRestarts } from './restarts';
import type { Stages } from './stages';
import { sentence } from './format';

/** The item of the queue that goes on from a build; else why all of it has to run again. */
export type Restarted = { readonly state: 'restarted'; readonly item: number; readonly stage: string } | NotRestarted;
interface NotRestarted {
  readonly state: 'not restarted';
  readonly why: string;
}

/**
 * Restarts a build that failed at the last stage before its failure at which its pipeline can take over what was made before
 * (see `restartsOf`). The plugin “Pipeline: Declarative” keeps the parameters of the build, and so the branch. It answers only
 * that it did so: the new build is the restart of the same build at the same stage that was not known before. Where two appear,
 * somebody else did the same at that moment, and neither is taken for this one.
 *
 * A build that is a restart itself is not restarted again: what it could not take over, the next could not either.
 */
export async function restart(
  run: RemoteRun,
  number: number,
  pipeline: string | undefined,
  { server, stages }: { readonly server: JenkinsApi; readonly stages: Stages },
  signal: AbortSignal,
): Promise<CiResult<Restarted>> {
  const stage = stageOf(run, pipeline);
  if (typeof stage === 'string') return not(stage);
  const { name } = stage;
  const known = await knownRestarts(server, signal);
  if (known.state === 'failed') return known;
  if (known.value.isRestart(number)) return not(`build ${number} went on from another itself`);
  if ((known.value.after(number) ?? Infinity) + 1 > stage.builds) return not(`what build ${number} made is not kept any more`);
  for (const handed of stage.handed) {
    const job = run.jobs.find((one) => one.name === handed && one.state === 'passed');
    const has = job ? await stages.hasStashed(job, number, signal) : ok(false);
    if (has.state === 'failed') return has;
    if (!has.value) return not(`what ${handed} made was not kept by build ${number}`);
  }
  const wanted = { of: number, stage: name };
  const before = new Set(known.value.items(wanted));
  const parameters = new URLSearchParams({ stageName: name });
  const answer = await server.press(`${server.jobPath}/${number}/restart/restartPipeline?${parameters.toString()}`, signal);
  if (answer.state === 'failed')
    return answer.gone ? not('Jenkins restarts no build here: its plugin “Pipeline: Declarative” is missing, old, or told not to') : answer;
  const refusal = refusalIn(answer.text);
  if (refusal === undefined) return unclear('Jenkins does not say whether it restarted the build', look);
  if (refusal !== '') return not(`Jenkins does not restart build ${number} at ${name}: ${refusal}`);
  const now = await knownRestarts(server, signal);
  if (now.state === 'failed') return now;
  const [item, second] = now.value.items(wanted).filter((one) => !before.has(one));
  if (item === undefined) return unclear(`Jenkins took the restart of build ${number}, and shows none`, look);
  if (second !== undefined)
    return unclear(`build ${number} was restarted twice at the same moment, and which is this one is not told`, look);
  return ok({ state: 'restarted', item, stage: name });
}

const look = 'look at the page of the job: it may run all the same';

function not(why: string): CiResult<NotRestarted> {
  return ok({ state: 'not restarted', why });
}

/** All that comes before it has passed, or was passed over in a run that got further; else why there is none. */
function stageOf({ jobs }: RemoteRun, pipeline: string | undefined): RestartableStage | string {
  const failed = jobs.findIndex(({ state }) => state === 'failed' || state === 'cancelled');
  if (failed < 0) return 'no stage of it failed';
  if (pipeline === undefined) return 'its Jenkinsfile is not known here';
  const restartable = restartableStages(pipeline);
  const found = jobs.slice(0, failed + 1).findLast((job) => job.state !== 'skipped' && restartable.some(({ name }) => name === job.name));
  const before = found ? jobs.slice(0, jobs.indexOf(found)) : [];
  const isClear = before.every(({ state }) => state === 'passed' || state === 'kept' || state === 'skipped');
  const stage = isClear ? restartable.find(({ name }) => name === found?.name) : undefined;
  return stage ?? `no stage up to ${jobs[failed]?.name ?? ''} can take over what others made before it`;
}

/** Empty: it was done. Undefined: it is not said. */
function refusalIn(text: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const data = recordOf(recordOf(value)?.['data']);
  const success = data?.['success'];
  if (success === true || success === 'true') return '';
  return success === false || success === 'false'
    ? sentence(textOf(data?.['message']) ?? 'without a reason') || 'without a reason'
    : undefined;
}
