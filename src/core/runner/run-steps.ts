import { availableParallelism } from 'node:os';
import * as path from 'node:path';
import { type Repository, deliverer } from '../git/repository';
import type { TreeEntry } from '../git/tree';
import type { Promoted } from '../environments/environment';
import { fail, messageOf, ok, type Failure, type Result } from '../model/result';
import type { RepositoryHome } from '../support/home';
import { Mask } from '../support/masking';
import type { Contributed } from '../logs/matchers/definition';
import { ProblemSearch } from '../logs/problem-search';
import type { ReportProblems } from '../logs/reports';
import { overlap, StepCache, stepKeys, unmatchedInputs } from './cache';
import { unmatchedText } from './outputs';
import { endProcesses } from '../process/descendants';
import type { Pipeline } from '../model/pipeline';
import { isTokenVariable } from '../pipeline/environment-tokens';
import { sharedEnvironment } from '../process/step-environment';
import type { Change, Outcome, StepState } from '../model/events';
import { runGraph } from './graph';
import type { Journal } from '../history/journal';
import { OutputPipes } from '../process/output-pipe';
import { PathResolver } from '../location/path-resolver';
import { treePaths } from '../location/tree-paths';
import type { DeliveryPlan } from './plan';
import { ProblemReporter } from '../logs/problem-reporter';
import { graceMs } from '../process/command';
import type { RunState } from '../model/run-state';
import { StepRunner } from './step-runner';
import { Verification, type ReleaseGuard } from './verification';

export interface StepsToRun extends DeliveryPlan {
  readonly repository: Repository;
  readonly home: RepositoryHome;
  readonly run: string;
  readonly journal: Journal;
  readonly change: Change;
  /** The files below the service's folder. Absent: nothing is cached. */
  readonly tree?: readonly TreeEntry[];
  /** Neither the cache nor kept files are used. */
  readonly isClean?: boolean;
  /** The service's folder relative to the root, with `/`; empty for the root. */
  readonly folder: string;
  readonly slot: { readonly root: string; readonly fingerprints: string };
  readonly env: NodeJS.ProcessEnv;
  readonly contributed: Contributed;
  /** The maximum number of steps that run at once; absent: the number of processors. */
  readonly width?: number;
  /** The run whose passed steps this run reuses. */
  readonly resumed?: RunState;
  /** The artifact that is released unchanged, instead of the files in the slot. */
  readonly promotes?: Promoted;
  /** The command that starts this program, for the release watcher. */
  readonly program: readonly string[];
  /** Decides about deployed releases; absent: these steps verify them. */
  readonly guard?: ReleaseGuard;
  readonly signal: AbortSignal;
}

const noReports: ReportProblems = { problems: [], more: 0, failures: [] };

export interface StepsEnd {
  readonly outcome: Outcome;
  /** The reason, if no step has it. */
  readonly reason?: string;
  /** The failure that kept the steps from running. */
  readonly failure?: Failure;
}

/** Runs the steps of a pipeline in a slot, and ends all processes that they started. */
export async function runSteps(given: StepsToRun): Promise<StepsEnd> {
  const { repository, home, run, journal, change, pipeline, slot, secrets, signal } = given;
  const folder = path.join(slot.root, given.folder);
  const ground = { slot: slot.root, folder, repository: repository.root };
  const fit = await checkEnvironments(given, folder);
  if (!fit.ok && signal.aborted) return { outcome: 'cancelled' };
  if (!fit.ok) return { outcome: 'failed', reason: fit.failure.message, failure: fit.failure };
  const width = given.width ?? availableParallelism();
  const pipes = new OutputPipes(home.run(run), Math.min(width, pipeline.steps.length));
  const verification = given.guard ?? new Verification(pipeline, journal, given.program);
  const search = new ProblemSearch();
  const problems = new ProblemReporter({
    search,
    placer: new PathResolver({ ...ground, folder: given.folder, paths: pipeline.feedback?.paths }, async () =>
      treePaths(repository, home, change.tree),
    ),
    journal,
    mask: new Mask(Object.values(secrets)),
    contributed: given.contributed,
    reports: async (step, before) =>
      before === undefined ? noReports : (await import('../logs/reports')).readReports(folder, step.reports, before),
  });
  const around = { service: pipeline.service, commit: change.commit, ...ground };
  const variables = Object.fromEntries(Object.entries(given.env).filter(([name]) => !isTokenVariable(name)));
  const shared = sharedEnvironment(variables, pipeline, around);
  const { tree } = given;
  // The programs of the slot come first in the PATH of steps, and each slot has another path.
  const keys = tree
    ? stepKeys(withoutUnmatched(pipeline, tree, journal), given.folder, tree, { ...shared, PATH: given.env['PATH'] })
    : new Map<string, string>();
  const cache = new StepCache(home.cache, slot.fingerprints, folder, {
    checkout: slot.root,
    steps: pipeline.steps,
    tracked: tree,
    isClean: given.isClean,
  });
  const steps = new StepRunner({
    run,
    pipeline,
    change,
    around,
    base: given.env,
    shared,
    secrets,
    keys,
    cache,
    journal,
    pipes,
    environments: given.environments,
    envFiles: given.envFiles,
    claims: given.claims,
    siblings: given.siblings,
    deliverer: () => deliverer(repository),
    ...(given.promotes && { promotes: given.promotes }),
    verification,
    problems,
    ...(given.resumed && { resumed: given.resumed }),
    signal,
  });
  try {
    if (tree) cache.removeFormerOutputs();
    const states = await runGraph(
      pipeline.steps,
      width,
      (step) => steps.execute(step),
      (step, need) => steps.skip(step, need),
      (one, other) => overlap(one.outputs, other.outputs),
    );
    if (steps.hasRun) await endProcesses({ run }, graceMs);
    const lost = await verification.finish();
    return lost === undefined ? { outcome: outcomeOf(states, signal) } : { outcome: 'failed', reason: lost };
  } catch (error) {
    await endProcesses({ run }, graceMs);
    await verification.finish();
    return { outcome: 'failed', reason: messageOf(error), failure: { kind: 'machinery', message: messageOf(error) } };
  } finally {
    pipes.dispose();
    search.dispose();
  }
}

/** Returns the pipeline without the inputs of steps where a glob matches nothing, and records a notice for each. */
function withoutUnmatched(pipeline: Pipeline, tree: readonly TreeEntry[], journal: Journal): Pipeline {
  const paths = tree.map((file) => file.path);
  const steps = pipeline.steps.map((step) => {
    const unmatched = unmatchedInputs(step, tree, paths);
    if (unmatched.length === 0) return step;
    journal.append({ type: 'notice', step: step.name, message: `${step.name} is not cached: ${unmatchedText('inputs', unmatched)}` });
    return { ...step, inputs: undefined };
  });
  return { ...pipeline, steps };
}

/** Checks every environment that will be deployed to, before the first step runs. */
async function checkEnvironments({ environments, pipeline, signal }: StepsToRun, folder: string): Promise<Result<void>> {
  const checks = await Promise.all([...environments.values()].map((one) => one.check(pipeline.service, folder, signal)));
  if (signal.aborted) return fail('cancelled', 'cancelled');
  return checks.find((check) => !check.ok) ?? ok(undefined);
}

function outcomeOf(states: ReadonlyMap<string, StepState>, signal: AbortSignal): Outcome {
  const all = [...states.values()];
  if (all.every((state) => state === 'passed' || state === 'cached')) return 'passed';
  return signal.aborted ? 'cancelled' : 'failed';
}
