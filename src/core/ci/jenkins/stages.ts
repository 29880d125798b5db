import { listOf, numberOf, recordOf, textOf } from '../../support/json-value';
import { ok, type RemoteJob, type CiResult } from '../ci-client';
import { unstable, type Build } from './build';
import { unclear, type JenkinsApi } from './jenkins-api';
import { sentence } from './format';

/** The job that stands for a build as a whole, where no stage tells of it. */
export const wholeBuild = 'build';

/** The name of `getContext` (workflow-basic-steps). */
const skipping = 'Get contextual object from internal APIs';

/** Bounds of what is shown of one build. */
const mostStages = 500;

interface Stage {
  readonly id: string;
  readonly name: string;
  readonly state: RemoteJob['state'];
  readonly startedMs: number | undefined;
  readonly endedMs: number | undefined;
  readonly error: string | undefined;
  readonly isUnstable: boolean;
  readonly isPaused: boolean;
}

/** As the README of the plugin Pipeline: REST API has them, and `SKIPPED` of its later versions. */
const states: Readonly<Record<string, Stage['state']>> = {
  SUCCESS: 'passed',
  UNSTABLE: 'failed',
  FAILED: 'failed',
  ABORTED: 'cancelled',
  NOT_EXECUTED: 'skipped',
  SKIPPED: 'skipped',
  IN_PROGRESS: 'running',
  PAUSED_PENDING_INPUT: 'waiting',
};

export interface PendingInput {
  readonly message: string;
  /** Where it is told to go on; undefined where it wants values for that. */
  readonly proceed: string | undefined;
}

/** The stages of builds as jobs, by the plugin Pipeline: REST API (pipeline-stage-view-plugin, rest-api/README.md). */
export class Stages {
  /** Of stages that are over: whether they were skipped. */
  private readonly skipped = new Map<string, boolean>();

  constructor(
    private readonly server: JenkinsApi,
    private readonly steps: readonly string[],
  ) {}

  async jobs(build: Build, signal: AbortSignal): Promise<CiResult<readonly RemoteJob[]>> {
    const { number } = build;
    const answer = await this.server.record(`${this.server.jobPath}/${number}/wfapi/describe`, signal);
    if (answer.state === 'failed')
      return answer.gone ? ok([this.whole(build, 'Jenkins tells no stages: its plugin “Pipeline: Stage View” is not installed')]) : answer;
    if (!Array.isArray(answer.value['stages'])) return unclear(`Jenkins answered no stages for build ${number}`);
    const stages: Stage[] = [];
    for (const value of listOf(answer.value['stages']).slice(0, mostStages)) {
      const stage = readStage(value);
      if (typeof stage === 'string') return unclear(`${stage} of build ${number}`);
      const isLate = stages.some(({ state }) => state === 'failed' || state === 'cancelled');
      const known = await this.asItRan(stage, isLate, number, signal);
      if (known.state === 'failed') return known;
      stages.push(known.value);
    }
    const own = stages.filter(({ name }) => this.steps.includes(name));
    const failures = stages.filter(({ name, state }) => state === 'failed' && !this.steps.includes(name));
    // A stage around steps fails with them, and says nothing more.
    const shown = own.some(({ state }) => state === 'failed')
      ? own
      : stages.filter((stage) => own.includes(stage) || failures.includes(stage));
    const inputs = shown.some(({ isPaused }) => isPaused) ? await this.pendingInputs(number, signal) : ok([]);
    if (inputs.state === 'failed') return inputs;
    const attempts = new Map<string, number>();
    const jobs = shown.map((stage) => {
      const attempt = (attempts.get(stage.name) ?? 0) + 1;
      attempts.set(stage.name, attempt);
      return this.jobOf(stage, attempt, inputOf(stage, shown, inputs.value));
    });
    // Stages that go on in a build that has ended are those of an answer before its end, and one of them may be what failed.
    const isTold = jobs.some(({ state }) => state === 'failed' || state === 'running' || state === 'waiting') || build.state !== 'failed';
    return ok(isTold ? jobs : [...jobs, this.whole(build, 'it failed outside of its stages')]);
  }

  async pendingInputs(number: number, signal: AbortSignal): Promise<CiResult<readonly PendingInput[]>> {
    const answer = await this.server.asking.get(`${this.server.jobPath}/${number}/wfapi/pendingInputActions`, signal);
    if (answer.state === 'failed') return answer;
    if (!Array.isArray(answer.value)) return unclear(`Jenkins answered no list of what build ${number} waits for`);
    return ok(
      listOf(answer.value).flatMap((value) => {
        const input = recordOf(value);
        const message = textOf(input?.['message']);
        if (message === undefined) return [];
        const wantsValues = listOf(input?.['inputs']).length > 0;
        return [{ message: sentence(message), proceed: wantsValues ? undefined : textOf(input?.['proceedUrl']) }];
      }),
    );
  }

  /**
   * Declarative pipelines enter the stages that they skip: for a condition of their own, or after a failure (JENKINS-38097). They are
   * told as passed or failed all the same, but nothing is in them but the step by which Jenkins says that it skips them.
   */
  private async asItRan(stage: Stage, isLate: boolean, number: number, signal: AbortSignal): Promise<CiResult<Stage>> {
    const isInDoubt = stage.state === 'passed' || (isLate && (stage.state === 'failed' || stage.state === 'cancelled'));
    if (!isInDoubt || !this.steps.includes(stage.name)) return ok(stage);
    const key = `${number}/${stage.id}`;
    let isSkipped = this.skipped.get(key);
    if (isSkipped === undefined) {
      const answer = await this.server.record(`${this.server.jobPath}/${number}/execution/node/${stage.id}/wfapi/describe`, signal);
      if (answer.state === 'failed') return answer;
      if (!Array.isArray(answer.value['stageFlowNodes'])) return unclear(`Jenkins answered no nodes for the stage ${stage.name}`);
      const names = listOf(answer.value['stageFlowNodes']).map((node) => recordOf(node)?.['name']);
      isSkipped = names.length === 0 ? isLate : names.every((name) => name === skipping);
      if (this.skipped.size > 2000) this.skipped.clear();
      this.skipped.set(key, isSkipped);
    }
    return ok(isSkipped ? { ...stage, state: 'skipped', error: undefined, isUnstable: false } : stage);
  }

  private jobOf(stage: Stage, attempt: number, input: PendingInput | undefined): RemoteJob {
    const { id, name, state, error, isUnstable, isPaused } = stage;
    const exitCode = state === 'failed' ? numberOf(/^script returned exit code (\d+)$/.exec(error ?? '')?.[1]) : undefined;
    // What the code says is said once.
    const why = exitCode === undefined ? error : undefined;
    const reason = isUnstable ? unstable : isPaused && !input ? 'waits for a person: see its page' : why;
    const startedAt = state === 'skipped' ? undefined : this.timeOf(stage.startedMs);
    const isOver = state !== 'running' && state !== 'waiting' && state !== 'skipped';
    const finishedAt = isOver ? this.timeOf(stage.endedMs) : undefined;
    return {
      id,
      name,
      attempt,
      state,
      hasLog: state !== 'skipped',
      ...(startedAt !== undefined && { startedAt }),
      ...(finishedAt !== undefined && { finishedAt }),
      ...(reason !== undefined && { reason }),
      ...(input && { approval: input.message }),
      ...(exitCode !== undefined && { exitCode }),
    };
  }

  private whole(build: Build, why: string): RemoteJob {
    const { state, createdAt: startedAt, finishedAt, reason } = build;
    return {
      id: wholeBuild,
      name: this.server.job.split('/').findLast((name) => name !== '') ?? this.server.job,
      attempt: 1,
      state,
      startedAt,
      ...(finishedAt !== undefined && { finishedAt }),
      reason: reason === undefined ? why : `${reason}; ${why}`,
      hasLog: true,
    };
  }

  private timeOf(ms: number | undefined): string | undefined {
    if (ms === undefined || ms <= 0 || ms > 8.64e15) return undefined;
    return this.server.asking.time(new Date(ms).toISOString());
  }
}

/** Jenkins does not say which input is whose: it is certain where there is one of each, or where one names the stage. */
function inputOf(stage: Stage, stages: readonly Stage[], inputs: readonly PendingInput[]): PendingInput | undefined {
  if (!stage.isPaused) return undefined;
  const paused = stages.filter(({ isPaused }) => isPaused);
  if (paused.length === 1 && inputs.length === 1) return inputs[0];
  const named = inputs.filter(({ message }) => message.includes(stage.name));
  const isOnly = named.length === 1 && paused.filter(({ name }) => named[0]?.message.includes(name)).length === 1;
  return isOnly ? named[0] : undefined;
}

/** Else what is wrong with it. */
function readStage(value: unknown): Stage | string {
  const stage = recordOf(value);
  const [id, name, status] = [textOf(stage?.['id']), textOf(stage?.['name']), textOf(stage?.['status'])];
  if (id === undefined || !/^\d{1,12}$/.test(id) || name === undefined) return 'Jenkins answered a stage without an id or a name';
  const state = status !== undefined && Object.hasOwn(states, status) ? states[status] : undefined;
  if (state === undefined) return `Jenkins says that “${sentence(name)}” is ${sentence(status ?? 'nothing')}, which is no state of a stage`;
  const startedMs = numberOf(stage?.['startTimeMillis']);
  const duration = numberOf(stage?.['durationMillis']);
  const error = textOf(recordOf(stage?.['error'])?.['message']);
  return {
    id,
    name: sentence(name),
    state,
    startedMs,
    endedMs: startedMs === undefined || startedMs <= 0 || duration === undefined ? undefined : startedMs + duration,
    error: error === undefined ? undefined : sentence(error),
    isUnstable: status === 'UNSTABLE',
    isPaused: status === 'PAUSED_PENDING_INPUT',
  };
}
