import * as fs from 'node:fs';
import { Journal } from '../history/journal';
import { nextRunId } from '../history/runs';
import { openRepository, type Repository } from '../git/repository';
import { listTree, type TreeEntry } from '../git/tree';
import type { Change, Outcome, PlannedStep, ProcessIdentity, RunEvent, RunStarted } from '../model/events';
import type { Pipeline } from '../model/pipeline';
import { plannedSteps } from '../model/run-status';
import { type Failure, ok, type Result } from '../model/result';
import type { RunState } from '../model/run-state';
import { locateService } from '../pipeline/locate';
import { readPipeline } from '../pipeline/read-pipeline';
import { currentIdentity } from '../process/process-identity';
import { homeFolder, makePrivateFolder, RepositoryHome } from '../support/home';
import { markActive, recover } from './recovery';
import type { EngineName } from '../ci/ci-service';
import type { Tokens } from '../model/tokens';
import type { Contributed } from '../logs/matchers/definition';

export interface OpenedService {
  readonly repository: Repository;
  readonly home: RepositoryHome;
  readonly service: string;
  /** The service's folder relative to the root, with `/`; empty for the root. */
  readonly folder: string;
}

export interface ServiceRequest {
  /** Any folder of the repository. */
  readonly from: string;
  readonly service?: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Opens the repository, recovers abandoned runs and locates the service. */
export async function openService(
  { from, service, env }: ServiceRequest,
  homeOf = (home: string, commonGitFolder: string) => new RepositoryHome(home, commonGitFolder),
): Promise<Result<OpenedService>> {
  const repository = await openRepository(from);
  if (!repository.ok) return repository;
  const folder = homeFolder(env);
  makePrivateFolder(folder);
  const home = homeOf(folder, repository.value.commonGitFolder);
  await recover(home);
  const place = await locateService(repository.value.root, from, service);
  if (!place.ok) return place;
  return ok({ repository: repository.value, home, service: place.value.name, folder: place.value.folder });
}

export interface DefinedChange {
  /** The files below the service's folder. */
  readonly tree: readonly TreeEntry[];
  readonly pipeline: Pipeline;
}

/** Reads the pipeline that a git tree defines for the service. */
export async function readChange({ repository, home, folder }: OpenedService, treeId: string): Promise<Result<DefinedChange>> {
  const tree = await listTree(repository, home, treeId, folder);
  if (!tree.ok) return tree;
  const pipeline = await readPipeline(repository, home, tree.value, folder);
  return pipeline.ok ? ok({ tree: tree.value, pipeline: pipeline.value }) : pipeline;
}

export interface FinishedRun {
  readonly run: string;
  readonly outcome: Outcome;
}

const homePollIntervalMs = 2_000;

interface RunDescription {
  /** Absent: a new id. */
  readonly id?: string;
  readonly home: RepositoryHome;
  readonly pipeline: Pipeline;
  readonly change: Change;
  readonly earlier?: readonly RunState[];
  readonly onEvent?: (event: RunEvent) => void;
}

/** A run and its journal. If this process dies before `finish` or `detach`, the next command recovers the run. */
export class RecordedRun {
  readonly id: string;
  readonly runner: ProcessIdentity = currentIdentity();
  readonly journal: Journal;
  /** Aborts when the folder of the run was deleted: a run that nobody can see must end. */
  readonly lost: AbortSignal;
  private readonly watch: NodeJS.Timeout;
  private readonly begin: {
    readonly service: string;
    readonly change: Change;
    readonly steps: readonly PlannedStep[];
    readonly runner: ProcessIdentity;
  };
  private readonly markInactive: () => void;

  constructor({ home, id = nextRunId(home), pipeline, change, earlier = [], onEvent }: RunDescription) {
    this.id = id;
    this.journal = new Journal(home.run(this.id), this.id, onEvent);
    this.markInactive = markActive(home, this.id);
    const lost = new AbortController();
    this.lost = lost.signal;
    this.watch = setInterval(() => fs.existsSync(this.journal.folder) || lost.abort(), homePollIntervalMs).unref();
    this.begin = { service: pipeline.service, change, steps: plannedSteps(pipeline, earlier), runner: this.runner };
  }

  queued(more: { readonly behind?: string; readonly handedTo?: string } = {}): void {
    this.journal.append({ type: 'run-queued', ...this.begin, ...more });
  }

  started(more: Omit<RunStarted, 'type' | 'at' | 'run' | 'service' | 'change' | 'steps' | 'runner'>): void {
    this.journal.append({ type: 'run-started', ...this.begin, ...more });
  }

  notice(message: string): void {
    this.journal.append({ type: 'notice', message });
  }

  /** Records the end. Returns the failure of a run that could not execute its steps, unless it was cancelled. */
  finish({
    outcome,
    reason,
    failure,
  }: {
    readonly outcome: Outcome;
    readonly reason?: string;
    readonly failure?: Failure;
  }): Result<FinishedRun> {
    this.journal.append({ type: 'run-finished', outcome, ...(reason !== undefined && { reason }) });
    this.markInactive();
    return failure && outcome !== 'cancelled' ? { ok: false, failure } : ok({ run: this.id, outcome });
  }

  /** The run continues without this process, which therefore needs no recovery. */
  detach(): void {
    this.markInactive();
  }

  close(): void {
    clearInterval(this.watch);
    this.journal.close();
  }
}

/** A request to deliver one change of a service. */
export interface DeliveryRequest {
  /** Any folder of the repository. */
  readonly from: string;
  readonly service?: string;
  /** A revision; absent: a snapshot of the working tree. */
  readonly commit?: string;
  /** The run whose passed steps are not run again. */
  readonly resume?: string;
  /** Neither the cache nor files of earlier runs are used. */
  readonly clean?: boolean;
  /** The maximum number of steps that run at once; absent: the number of processors. */
  readonly width?: number;
  /** The place to run the steps; absent: as the pipeline says. */
  readonly engine?: EngineName;
  /** Replaces services of the same name that other repositories delivered. */
  readonly takeOver?: boolean;
  /** Access tokens for the CI service. */
  readonly tokens: Tokens;
  readonly env: NodeJS.ProcessEnv;
  /** Problem matchers that other extensions of the editor contribute. */
  readonly contributed: Contributed;
  /** The command that starts this program, for processes that outlive the delivery: supervisors and release watchers. */
  readonly program: readonly string[];
  /** Resolves to true if the deployment to the production environment of this name is confirmed. */
  readonly confirmProduction: (environment: string) => Promise<boolean>;
  readonly signal: AbortSignal;
  readonly onEvent: (event: RunEvent) => void;
}
