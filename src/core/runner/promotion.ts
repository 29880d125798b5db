import * as path from 'node:path';
import { recentChanges } from '../history/recent-changes';
import { openRepository, type Repository } from '../git/repository';
import { listTree } from '../git/tree';
import type { Environment } from '../environments/environment';
import type { Artifact, ServiceStatus } from '../model/environment-status';
import { readEnvironments } from '../environments/environments';
import { findEnvironmentKind } from '../environments/registry';
import { fail, ok, type Result } from '../model/result';
import { homeFolder, RepositoryHome } from '../support/home';
import type { Tokens } from '../model/tokens';
import type { Contributed } from '../logs/matchers/definition';
import { locateService } from '../pipeline/locate';
import type { Pipeline, Step } from '../model/pipeline';
import type { Change, Outcome, Release, RunEvent } from '../model/events';
import { Journal } from '../history/journal';
import { tryLock } from '../process/lock';
import { readPipeline } from '../pipeline/read-pipeline';
import { planPipeline, type DeliveryPlan } from './plan';
import { plannedSteps } from '../model/planned-steps';
import { ownIdentity } from '../process/process-identity';
import { markActive, recover } from './recovery';
import { runSteps } from './run-steps';
import { newRunId, readRun } from '../history/runs';

export interface ReleaseRequest {
  /** Any folder of the repository. */
  readonly from: string;
  readonly service?: string;
  /** The environment whose live release is meant; absent: the one that the pipeline deploys to. */
  readonly source?: string;
  /** The environment that it goes to; absent: the `release` of the pipeline. */
  readonly target?: string;
  readonly env: NodeJS.ProcessEnv;
  /** How the command line is called, for what outlives a delivery: supervisors, the watch over a release. */
  readonly program: readonly string[];
}

/** What a release to customers would change. */
export interface Promotion {
  readonly service: string;
  readonly source: string;
  readonly target: string;
  readonly release: Release;
  /** What customers have now; absent for the first release. */
  readonly current?: Release;
  /** The changes between the two, newest first. */
  readonly changes: readonly { readonly commit: string; readonly subject: string; readonly author: string }[];
  /** Whether every step that verifies the source passed with it. */
  readonly isVerified: boolean;
}

export interface PlannedPromotion extends Promotion {
  readonly kind: Environment['kind'];
  readonly program: readonly string[];
  readonly repository: Repository;
  readonly home: RepositoryHome;
  readonly folder: string;
  readonly artifact: Artifact;
  readonly plan: DeliveryPlan;
}

const mostChanges = 500;

/** What a release would do, or why there is nothing to release. Changes nothing. */
export async function planRelease(request: ReleaseRequest): Promise<Result<PlannedPromotion>> {
  const opened = await openRepository(request.from);
  if (!opened.ok) return opened;
  const repository = opened.value;
  const home = new RepositoryHome(homeFolder(request.env), repository.commonGitFolder);
  await recover(home);
  const place = await locateService(repository.root, request.from, request.service);
  if (!place.ok) return place;
  const { name: service, folder } = place.value;
  const meant = sourceOf(service, request, home);
  if (!meant.ok) return meant;
  const { source, kind, status, release, artifact } = meant.value;
  if (release.dirty)
    return fail('usage', `what is live in ${source} holds changes that are not committed, and cannot be released`, {
      hint: 'commit them and deliver the commit',
    });
  const tree = await listTree(repository, home, release.tree, folder);
  if (!tree.ok) return tree;
  const read = await readPipeline(repository, home, tree.value, folder);
  if (!read.ok) return read;
  const target = request.target ?? read.value.release;
  const steps = target === undefined ? noTarget() : releaseSteps(read.value, source, target);
  if (!steps.ok) return steps;
  const to = steps.value[0]?.deploy ?? '';
  const fits = canBecome(artifact, source, to, read.value.environments[to]?.kind);
  if (!fits.ok) return fits;
  const plan = await planPipeline(repository, home, { ...read.value, steps: steps.value }, folder, request);
  if (!plan.ok) return plan;
  const current = serviceIn(home, to, service)?.release;
  if (current?.commit === release.commit) return fail('usage', `${to} already has ${release.commit.slice(0, 8)}`);
  const changes = await recentChanges(repository, home, {
    ...(current && { from: current.commit }),
    to: release.commit,
    folder,
    maxCount: mostChanges,
  });
  const run = readRun(home.run(release.id));
  const isVerified = run?.deployments.some((deployment) => deployment.environment === source && deployment.state === 'verified') ?? false;
  return ok({
    service,
    source,
    target: to,
    release,
    ...(current && { current }),
    // What customers have may be of a history that was rewritten since.
    changes: changes.ok ? changes.value.map(({ commit, subject, author }) => ({ commit, subject, author })) : [],
    isVerified: isVerified && status.state === 'healthy',
    repository,
    home,
    folder,
    artifact,
    kind,
    program: request.program,
    plan: plan.value,
  });
}

export interface ReleaseRun {
  /** Why it is released without being verified. */
  readonly why?: string;
  readonly env: NodeJS.ProcessEnv;
  /** For the CI service that keeps a record of deployments. */
  readonly tokens: Tokens;
  readonly contributed: Contributed;
  readonly signal: AbortSignal;
  readonly onEvent: (event: RunEvent) => void;
}

/**
 * Releases exactly what is live in the source: nothing is built again. It is verified in the target as well, and a
 * failure there brings back what customers had.
 */
export async function release(promotion: PlannedPromotion, given: ReleaseRun): Promise<Result<{ run: string; outcome: Outcome }>> {
  const { repository, home, folder, artifact, plan, source, target, service } = promotion;
  if (!promotion.isVerified && !given.why?.trim())
    return fail('usage', `${promotion.release.commit.slice(0, 8)} is not verified in ${source}`, {
      hint: 'deliver it with a step that verifies, or say why it is released all the same',
    });
  const run = newRunId();
  const runner = ownIdentity();
  const lock = tryLock(path.join(home.locks, `${service}.lock`), { ...runner, run });
  if (!lock.ok)
    return fail('usage', `a delivery of ${service} is running: run ${lock.holder.run ?? lock.holder.pid}`, {
      hint: 'release when it has ended',
    });
  const { commit, tree, subject = '' } = promotion.release;
  const change: Change = { commit, tree, subject, dirty: false };
  const journal = new Journal(home.run(run), run, given.onEvent);
  const inactive = markActive(home, run);
  try {
    journal.append({
      type: 'run-started',
      service,
      change,
      steps: plannedSteps(plan.pipeline, []),
      runner,
      slot: artifact.slot,
      folder,
      repository: repository.root,
      promotion: { from: source, to: target },
    });
    journal.append({ type: 'notice', message: `released from ${source} to ${target}, as it was built by run ${promotion.release.id}` });
    if (!promotion.isVerified) journal.append({ type: 'notice', message: `released without being verified: ${given.why ?? ''}` });
    // Nothing there is taken for done, and nothing is put there: customers of the source are using it.
    const fingerprints = path.join(home.run(run), 'fingerprints');
    const slot = { root: artifact.slot, fingerprints };
    const { program } = promotion;
    const promotes = { environment: source, kind: promotion.kind, artifact };
    const end = await runSteps({ ...plan, ...given, repository, home, run, journal, change, tree: [], folder, slot, program, promotes });
    if (plan.pipeline.engine) {
      const telling = { repository, pipeline: plan.pipeline, folder, tokens: given.tokens };
      await (await import('../ci/report-deployments')).reportDeployments(journal, telling);
    }
    journal.append({ type: 'run-finished', outcome: end.outcome, ...(end.reason !== undefined && { reason: end.reason }) });
    inactive();
    return end.failure && end.outcome !== 'cancelled' ? { ok: false, failure: end.failure } : ok({ run, outcome: end.outcome });
  } finally {
    journal.close();
    lock.release();
  }
}

interface Source {
  readonly source: string;
  readonly kind: Environment['kind'];
  readonly status: ServiceStatus;
  readonly release: Release;
  readonly artifact: Artifact;
}

function sourceOf(service: string, { source, target }: ReleaseRequest, home: RepositoryHome): Result<Source> {
  const live: Source[] = [];
  const elsewhere: string[] = [];
  for (const { environment, kind, services } of readEnvironments(home.home)) {
    const status = services.find((other) => other.service === service);
    if (!status?.release || environment === target || (source !== undefined && environment !== source)) continue;
    if (status.artifact) live.push({ source: environment, kind, status, release: status.release, artifact: status.artifact });
    else elsewhere.push(`${environment} has ${status.release.commit.slice(0, 8)}${status.release.by ? ` by ${status.release.by}` : ''}`);
  }
  // One that was released is not what the next release is made of.
  const made = live.filter(({ release }) => !readRun(home.run(release.id))?.promotion);
  const [only] = made;
  if (only && made.length === 1) return ok(only);
  if (!only && elsewhere.length > 0)
    return fail('usage', `what is live of ${service} was delivered elsewhere: ${elsewhere.join(', ')}`, {
      hint: 'release it from where it was delivered, or deliver that commit here first',
    });
  if (!only)
    return fail('usage', `${service} is not live in ${source ?? 'any environment that it could be released from'}`, {
      hint: 'deliver run delivers it',
    });
  return fail('usage', `${service} is live in several environments`, {
    hint: `name the one that is meant with --from: ${made.map((one) => one.source).join(', ')}`,
  });
}

function serviceIn(home: RepositoryHome, environment: string, service: string): ServiceStatus | undefined {
  const found = readEnvironments(home.home).find((one) => one.environment === environment);
  return found?.services.find((other) => other.service === service);
}

/** Nothing is built for a release: what was verified is an image, or files, and the target has to run the same. */
function canBecome(artifact: Artifact, source: string, target: string, kind: Environment['kind'] | undefined): Result<void> {
  const has = artifact.image === undefined ? 'files' : 'an image';
  const needs = kind === undefined ? undefined : findEnvironmentKind(kind)?.runs;
  if (needs === undefined || has === needs) return ok(undefined);
  return fail('usage', `${source} runs ${has} and ${target} runs ${needs}: what was verified is not what customers would get`, {
    hint: `deliver to an environment of the kind ${kind} before ${target}`,
  });
}

function noTarget(): Result<never> {
  return fail('usage', 'delivery.yaml does not say where customers are', {
    hint: 'add `release: NAME` with the name of an environment, or use --to',
  });
}

/**
 * The deployment, then what verifies it there: the steps that verify the target, else those of the source.
 * Nothing is taken from a cache: it would be put where customers are.
 */
function releaseSteps(pipeline: Pipeline, source: string, target: string): Result<Step[]> {
  if (!Object.hasOwn(pipeline.environments, target))
    return fail('usage', `delivery.yaml has no environment ${target}`, { hint: `it has ${Object.keys(pipeline.environments).join(', ')}` });
  if (target === source) return fail('usage', `it is in ${target} already`);
  const secrets = pipeline.steps.filter(({ deploy }) => deploy === source || deploy === target).flatMap((step) => step.secrets);
  const name = `release-to-${target}`;
  const deploy: Step = { name, needs: [], deploy: target, outputs: [], env: {}, secrets: [...new Set(secrets)], reports: [], retries: 0 };
  const own = pipeline.steps.filter(({ verifies }) => verifies === target);
  const verifying = own.length > 0 ? own : pipeline.steps.filter(({ verifies }) => verifies === source);
  return ok([deploy, ...verifying.map(({ inputs: _, ...step }) => ({ ...step, needs: [name], verifies: target, outputs: [] }))]);
}
