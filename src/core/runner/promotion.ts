import * as path from 'node:path';
import type { Repository } from '../git/repository';
import { recentChanges } from '../history/recent-changes';
import { nextRunId, readRun } from '../history/runs';
import type { Environment } from '../environments/environment';
import { readEnvironments } from '../environments/environments';
import { ownerOf, ownServices } from '../environments/owner';
import { findEnvironmentKind } from '../environments/registry';
import type { Contributed } from '../logs/matchers/definition';
import type { Artifact, EnvironmentStatus, ServiceStatus } from '../model/environment-status';
import type { Change, Release, RunEvent } from '../model/events';
import type { Pipeline, Step } from '../model/pipeline';
import { fail, ok, type Result } from '../model/result';
import type { Tokens } from '../model/tokens';
import { tryLock } from '../process/lock';
import { currentIdentity } from '../process/process-identity';
import type { RepositoryHome } from '../support/home';
import { planPipeline, type DeliveryPlan } from './plan';
import { openService, readChange, RecordedRun, type FinishedRun } from './run-frame';
import { runSteps } from './run-steps';

export interface ReleaseRequest {
  /** Any folder of the repository. */
  readonly from: string;
  readonly service?: string;
  /** The environment to release from; absent: the environment that the pipeline deploys to. */
  readonly source?: string;
  /** The environment to release to; absent: the `release` of the pipeline. */
  readonly target?: string;
  /** Replaces a service of the same name that another repository delivered. */
  readonly takeOver?: boolean;
  readonly env: NodeJS.ProcessEnv;
  /** The command that starts this program, for processes that outlive the release: supervisors and release watchers. */
  readonly program: readonly string[];
}

/** The changes that a release to production would bring. */
export interface Promotion {
  readonly service: string;
  readonly source: string;
  readonly target: string;
  readonly release: Release;
  /** The release that is in production now; absent for the first release. */
  readonly current?: Release;
  /** The changes between the two, newest first. */
  readonly changes: readonly { readonly commit: string; readonly subject: string; readonly author: string }[];
  /** True if every step that verifies the source environment passed. */
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

/** Plans a release. Fails if nothing can be released. Changes nothing. */
export async function planRelease(request: ReleaseRequest): Promise<Result<PlannedPromotion>> {
  const opened = await openService(request);
  if (!opened.ok) return opened;
  const { repository, home, service, folder } = opened.value;
  const environments = await ownServices(readEnvironments(home.home), await ownerOf(repository));
  const live = sourceOf(service, request, home, environments);
  if (!live.ok) return live;
  const { source, kind, status, release, artifact } = live.value;
  if (release.dirty)
    return fail('usage', `${source} has uncommitted changes`, {
      hint: 'commit and deliver them first',
    });
  const defined = await readChange(opened.value, release.tree);
  if (!defined.ok) return defined;
  const { pipeline } = defined.value;
  const target = request.target ?? pipeline.release;
  const steps = target === undefined ? noTarget() : releaseSteps(pipeline, source, target);
  if (!steps.ok) return steps;
  const to = steps.value[0]?.deploy ?? '';
  const fits = canBecome(artifact, source, to, pipeline.environments[to]?.kind);
  if (!fits.ok) return fits;
  const plan = await planPipeline(repository, home, { ...pipeline, steps: steps.value }, folder, request);
  if (!plan.ok) return plan;
  const current = serviceIn(environments, to, service)?.release;
  if (current?.commit === release.commit) return fail('usage', `${to} already has ${release.commit.slice(0, 7)}`);
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
    // The commit in production may no longer exist after a rewrite of the history.
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
  /** The reason for releasing without verification. */
  readonly why?: string;
  readonly env: NodeJS.ProcessEnv;
  /** Tokens for the CI service that records deployments. */
  readonly tokens: Tokens;
  readonly contributed: Contributed;
  readonly signal: AbortSignal;
  readonly onEvent: (event: RunEvent) => void;
}

/**
 * Releases exactly what is live in the source environment, without building anything. The same steps verify the release in
 * the target environment. If one fails, the previous release is restored there.
 */
export async function release(promotion: PlannedPromotion, options: ReleaseRun): Promise<Result<FinishedRun>> {
  const { repository, home, folder, artifact, plan, source, target, service, program } = promotion;
  if (!promotion.isVerified && !options.why?.trim())
    return fail('usage', `${promotion.release.commit.slice(0, 7)} is not verified in ${source}`, {
      hint: 'deliver it with a step that verifies it, or give the reason for releasing it unverified',
    });
  const id = nextRunId(home);
  const lock = tryLock(path.join(home.locks, `${service}.lock`), { ...currentIdentity(), run: id });
  if (!lock.ok)
    return fail('usage', `a delivery of ${service} is running: run ${lock.holder.run ?? lock.holder.pid}`, {
      hint: 'release after it has finished',
    });
  try {
    const { commit, tree, subject = '' } = promotion.release;
    const change: Change = { commit, tree, subject, dirty: false };
    const run = new RecordedRun({ id, home, pipeline: plan.pipeline, change, onEvent: options.onEvent });
    try {
      const { journal } = run;
      run.started({ slot: artifact.slot, folder, repository: repository.root, promotion: { from: source, to: target } });
      run.notice(`released from ${source} to ${target}, as built by run ${promotion.release.id}`);
      if (!promotion.isVerified) run.notice(`released without verification: ${options.why ?? ''}`);
      // Customers of the source environment use this slot. Without a tree, the cache does not write into it.
      const slot = { root: artifact.slot, fingerprints: path.join(home.run(id), 'fingerprints') };
      const context = { repository, home, run: id, journal, change, folder, slot };
      const promotes = { environment: source, kind: promotion.kind, artifact };
      const signal = AbortSignal.any([options.signal, run.lost]);
      const end = await runSteps({ ...plan, ...options, ...context, signal, program, promotes });
      if (plan.pipeline.engine) {
        const { reportDeployments } = await import('../ci/report-deployments');
        await reportDeployments(journal, { repository, pipeline: plan.pipeline, folder, tokens: options.tokens });
      }
      return run.finish(end);
    } finally {
      run.close();
    }
  } finally {
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

function sourceOf(
  service: string,
  { source, target }: ReleaseRequest,
  home: RepositoryHome,
  environments: readonly EnvironmentStatus[],
): Result<Source> {
  const live: Source[] = [];
  const elsewhere: string[] = [];
  for (const { environment, kind, services } of environments) {
    const status = services.find((other) => other.service === service);
    if (!status?.release || environment === target || (source !== undefined && environment !== source)) continue;
    if (status.artifact) live.push({ source: environment, kind, status, release: status.release, artifact: status.artifact });
    else elsewhere.push(`${environment} has ${status.release.commit.slice(0, 7)}${status.release.by ? ` by ${status.release.by}` : ''}`);
  }
  // A release that was itself promoted is not a source for the next one.
  const made = live.filter(({ release }) => !readRun(home.run(release.id))?.promotion);
  const [only] = made;
  if (only && made.length === 1) return ok(only);
  if (!only && elsewhere.length > 0)
    return fail('usage', `${service} was delivered from another machine: ${elsewhere.join(', ')}`, {
      hint: 'release it from that machine, or deliver the commit from here first',
    });
  if (!only)
    return fail('usage', `${service} is not live in ${source ?? 'any environment'}`, {
      hint: 'deliver it first with deliver run',
    });
  return fail('usage', `${service} is live in several environments`, {
    hint: `choose one with --from: ${made.map((one) => one.source).join(', ')}`,
  });
}

function serviceIn(environments: readonly EnvironmentStatus[], environment: string, service: string): ServiceStatus | undefined {
  return environments.find((one) => one.environment === environment)?.services.find((other) => other.service === service);
}

/** Fails if the target cannot run the verified artifact (an image or files), because a release builds nothing. */
function canBecome(artifact: Artifact, source: string, target: string, kind: Environment['kind'] | undefined): Result<void> {
  const has = artifact.image === undefined ? 'files' : 'an image';
  const needs = kind === undefined ? undefined : findEnvironmentKind(kind)?.runs;
  if (needs === undefined || has === needs) return ok(undefined);
  return fail('usage', `${source} runs ${has} and ${target} runs ${needs}: the verified artifact cannot be released`, {
    hint: `deliver to an environment of the kind ${kind} before ${target}`,
  });
}

function noTarget(): Result<never> {
  return fail('usage', 'delivery.yaml has no production environment', {
    hint: 'add `release: NAME` with the name of an environment, or use --to',
  });
}

/**
 * Returns the deployment step and the steps that verify it: those of the target, else those of the source. They have no
 * inputs, because a restored cache entry would change the files of the live release.
 */
function releaseSteps(pipeline: Pipeline, source: string, target: string): Result<Step[]> {
  if (!Object.hasOwn(pipeline.environments, target))
    return fail('usage', `delivery.yaml has no environment ${target}`, { hint: `it has ${Object.keys(pipeline.environments).join(', ')}` });
  if (target === source) return fail('usage', `the source and the target are the same environment: ${target}`);
  const secrets = pipeline.steps.filter(({ deploy }) => deploy === source || deploy === target).flatMap((step) => step.secrets);
  const name = `release-to-${target}`;
  const deploy: Step = { name, needs: [], deploy: target, outputs: [], env: {}, secrets: [...new Set(secrets)], reports: [], retries: 0 };
  const own = pipeline.steps.filter(({ verifies }) => verifies === target);
  const verifying = own.length > 0 ? own : pipeline.steps.filter(({ verifies }) => verifies === source);
  return ok([deploy, ...verifying.map(({ inputs: _, ...step }) => ({ ...step, needs: [name], verifies: target, outputs: [] }))]);
}
