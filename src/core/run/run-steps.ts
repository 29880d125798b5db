import { availableParallelism } from 'node:os';
import * as path from 'node:path';
import type { Repository } from '../changes/repository';
import type { TreeEntry } from '../changes/tree';
import { messageOf } from '../failure';
import type { RepositoryHome } from '../home';
import { Mask } from '../logs/masking';
import type { Contributed } from '../logs/matchers/definition';
import { ProblemSearch } from '../logs/problem-search';
import { StepCache } from './cache';
import { endProcesses } from './descendants';
import type { Change, Outcome, StepState } from './events';
import { stepKeys } from './fingerprint';
import { runGraph } from './graph';
import type { Journal } from './journal';
import { OutputPipes } from './output-pipe';
import { Placer } from './placer';
import type { DeliveryPlan } from './plan';
import { ProblemReporter } from './problem-reporter';
import { graceMs } from './process';
import type { RunState } from './state';
import { StepRunner } from './step-runner';
import { treePaths } from './tree-paths';
import { Verification } from './verification';

export interface StepsToRun extends DeliveryPlan {
  readonly repository: Repository;
  readonly home: RepositoryHome;
  readonly run: string;
  readonly journal: Journal;
  readonly change: Change;
  /** The files below the service's folder; without them, no step is taken for done. */
  readonly tree: readonly TreeEntry[];
  /** The service's folder relative to the root, with `/`; empty for the root. */
  readonly folder: string;
  readonly slot: { readonly root: string; readonly fingerprints: string };
  readonly env: NodeJS.ProcessEnv;
  readonly contributed: Contributed;
  /** How many steps at a time; absent: as many as the machine has processors. */
  readonly width?: number;
  /** The run that this one goes on from. */
  readonly resumed?: RunState;
  readonly signal: AbortSignal;
}

export interface StepsEnd {
  readonly outcome: Outcome;
  /** Why, where the steps do not say it. */
  readonly reason?: string;
  /** The machinery failed. */
  readonly isBroken?: true;
}

/** Runs the steps of a pipeline in a slot, to their end and that of all they started. */
export async function runSteps(given: StepsToRun): Promise<StepsEnd> {
  const { repository, home, run, journal, change, pipeline, slot, secrets, signal } = given;
  const folder = path.join(slot.root, given.folder);
  const ground = { slot: slot.root, folder, repository: repository.root };
  const width = given.width ?? availableParallelism();
  const pipes = new OutputPipes(home.run(run), Math.min(width, pipeline.steps.length));
  const verification = new Verification(pipeline.service, pipeline.steps, journal);
  const search = new ProblemSearch();
  const problems = new ProblemReporter({
    search,
    placer: new Placer({ ...ground, folder: given.folder }, async () => treePaths(repository, home, change.tree, given.folder)),
    journal,
    mask: new Mask(Object.values(secrets)),
    contributed: given.contributed,
    folder,
  });
  const steps = new StepRunner({
    run,
    pipeline,
    change,
    around: { service: pipeline.service, commit: change.commit, ...ground },
    base: given.env,
    secrets,
    keys: stepKeys(pipeline, given.folder, given.tree),
    cache: new StepCache(home.cache, slot.fingerprints, folder),
    journal,
    pipes,
    environments: given.environments,
    siblings: given.siblings,
    verification,
    problems,
    ...(given.resumed && { resumed: given.resumed }),
    signal,
  });
  try {
    const states = await runGraph(
      pipeline.steps,
      width,
      (step) => steps.execute(step),
      (step, need) => steps.skip(step, need),
    );
    if (steps.hasRun) await endProcesses({ run }, graceMs);
    const lost = await verification.finish();
    return lost === undefined ? { outcome: outcomeOf(states, signal) } : { outcome: 'failed', reason: lost };
  } catch (error) {
    await endProcesses({ run }, graceMs);
    await verification.finish();
    return { outcome: 'failed', reason: messageOf(error), isBroken: true };
  } finally {
    pipes.dispose();
    search.dispose();
  }
}

function outcomeOf(states: ReadonlyMap<string, StepState>, signal: AbortSignal): Outcome {
  const all = [...states.values()];
  if (all.every((state) => state === 'passed' || state === 'cached')) return 'passed';
  return signal.aborted ? 'cancelled' : 'failed';
}
