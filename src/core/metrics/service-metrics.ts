import { commitDates, containsCommit } from '../history/ancestry';
import type { Repository } from '../git/repository';
import { isEmbedded } from '../environments/registry';
import type { CiPipeline } from '../ci/ci-service';
import { readTeamHistory, type TeamHistory } from '../ci/read-history';
import { fail, ok, type Result } from '../model/result';
import type { RepositoryHome } from '../support/home';
import type { Tokens } from '../model/tokens';
import type { Pipeline } from '../model/pipeline';
import { listRuns, readRecorded, runIds } from '../history/runs';
import { keptRuns } from '../runner/slots';
import { journaledDeployments, rangeOf, type ProductionDeployment, reworkOf, type Contains } from './deployment';
import { doraMetrics, isIn, type DeploymentFacts, type DoraMetrics, type Window, leadTimes } from './metrics';
import { deploymentsOfTeam, type TeamDeployments } from './team';
import { counted } from '../support/format';

export interface MetricsRequest {
  readonly repository: Repository;
  readonly home: RepositoryHome;
  readonly service: CiPipeline;
  /** All services of the repository. */
  readonly services: readonly CiPipeline[];
  readonly tokens: Tokens;
  /** The length of the window. */
  readonly days: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly signal: AbortSignal;
}

export interface ServiceMetrics extends DoraMetrics, Window {
  readonly service: string;
  readonly environment: string;
  /** Deployments in the window. */
  readonly deployments: number;
  /** True if other machines deliver to this environment as well and only this machine's deliveries are known. */
  readonly isOfThisMachineAlone: boolean;
  readonly sources: readonly MetricsSource[];
  /** The limits of the figures, each in a sentence. */
  readonly notes: readonly string[];
}

/** A source of deployments. */
export interface MetricsSource {
  readonly source: ProductionDeployment['source'];
  /** The repository or project; absent for the journals of this machine. */
  readonly place?: string;
  /** Deployments in the window. A deployment in both sources counts as the journals'. */
  readonly deployments: number;
  /** Why the source is unavailable. */
  readonly missing?: string;
}

const dayMs = 86_400_000;
const gitBatch = 4;

/** Returns the delivery metrics of a service in its customers' environment, from this machine's journals and the CI service's records. */
export async function serviceMetrics(request: MetricsRequest): Promise<Result<ServiceMetrics>> {
  const { repository, home, service, days, now } = request;
  const { pipeline } = service;
  const environment = environmentOf(pipeline);
  if (environment === undefined)
    return fail('usage', `${pipeline.service} is not deployed to any environment`, {
      hint: 'add a step with `deploy: NAME` to delivery.yaml',
    });
  const asked = new Date(now - days * dayMs).toISOString();
  const runs = listRuns(home, { service: pipeline.service });
  const where = whereOf(pipeline, environment);
  const measuredRuns = runs.filter(({ engine }) => where === 'shared' || (engine === undefined) === (where === 'here'));
  const journaled = journaledDeployments(measuredRuns, pipeline.service, environment);
  const host = where === 'here' ? undefined : await readTeamHistory({ ...request, environment, since: asked });
  const records = host?.state === 'read' ? host.history.deployments : [];
  const about = { service: pipeline.service, environment, source: host?.name ?? 'journals' } as const;
  const contains: Contains = async (commit, earlier) => containsCommit(repository, home, commit, earlier);
  const team = await deploymentsOfTeam(journaled, records, about, contains);

  const journalsSince = runIds(home).length < keptRuns ? asked : (oldestRun(home) ?? asked);
  const wholeSince = (host?.state === 'read' ? host.history.wholeSince : undefined) ?? asked;
  const since = [asked, journalsSince, wholeSince].sort().at(-1) ?? asked;
  const window: Window = { since, until: new Date(now).toISOString() };
  const facts = await factsOf(request, team.deployments, window, contains);
  const inWindow = facts.filter(({ deployment: { at } }) => isIn(at, window));
  const others = runs.filter((run) => !measuredRuns.includes(run));
  const otherDeployments = journaledDeployments(others, pipeline.service, environment).filter(({ at }) => isIn(at, window)).length;
  const redeliveries = team.redeliveries.filter((at) => isIn(at, window)).length;
  const known = { pipeline, environment, where, asked, journalsSince, wholeSince };
  const notes = limitationsOf({ ...known, otherDeployments, redeliveries, host, team, inWindow });
  const countOf = (source: MetricsSource['source']): number => inWindow.filter(({ deployment }) => deployment.source === source).length;
  return ok({
    ...{ service: pipeline.service, environment, ...window, deployments: inWindow.length },
    isOfThisMachineAlone: where !== 'here' && host?.state !== 'read',
    ...doraMetrics(facts, window),
    sources: [{ source: 'journals', deployments: countOf('journals') }, ...(host ? [hostSource(host, countOf(host.name))] : [])],
    notes,
  });
}

/** Returns the customers' environment, or the last one that a step deploys to. */
function environmentOf({ release, steps }: Pipeline): string | undefined {
  return release ?? steps.findLast(({ deploy }) => deploy !== undefined)?.deploy;
}

/**
 * A `process` environment exists on each machine. Returns which one is measured: the CI machine's if the CI pipeline deploys to
 * it, otherwise this machine's.
 */
function whereOf({ environments, engine, steps }: Pipeline, environment: string): 'shared' | 'there' | 'here' {
  if (!isEmbedded(environments[environment]?.kind ?? '')) return 'shared';
  return engine && steps.some(({ deploy }) => deploy === environment) ? 'there' : 'here';
}

function oldestRun(home: RepositoryHome): string | undefined {
  const oldest = runIds(home).at(-1);
  return oldest === undefined ? undefined : readRecorded(home.run(oldest))?.startedAt;
}

/** Adds the facts from git to the deployments of the window and to those that they repair. */
async function factsOf(
  { repository, home, service: { folder } }: MetricsRequest,
  deployments: readonly ProductionDeployment[],
  window: Window,
  contains: Contains,
): Promise<DeploymentFacts[]> {
  const rework = await reworkOf(deployments, contains);
  const datesOf = async (deployment: ProductionDeployment): Promise<readonly string[] | undefined> => {
    const range = deployment.failure || !isIn(deployment.at, window) ? undefined : rangeOf(deployment, deployments);
    return range && commitDates(repository, home, { ...range, folder });
  };
  const facts: DeploymentFacts[] = [];
  for (let at = 0; at < deployments.length; at += gitBatch) {
    const some = deployments.slice(at, at + gitBatch);
    const dates = await Promise.all(some.map(datesOf));
    for (const [index, deployment] of some.entries()) {
      const [committedAt, isRework] = [dates[index], rework[at + index]];
      facts.push({ deployment, ...(committedAt && { committedAt }), ...(isRework !== undefined && { isRework }) });
    }
  }
  return facts;
}

function hostSource(host: TeamHistory, deployments: number): MetricsSource {
  if (host.state === 'missing') return { source: host.name, deployments, missing: host.why };
  return { source: host.name, place: host.place, deployments };
}

export interface NoteInputs {
  readonly pipeline: Pipeline;
  readonly environment: string;
  /** `shared`: everybody delivers to the same environment. */
  readonly where: 'shared' | 'there' | 'here';
  /** The start of the requested window, and the start of complete data in each source (ISO 8601, UTC). */
  readonly asked: string;
  readonly journalsSince: string;
  readonly wholeSince: string;
  /** Deployments in the window to another environment of the same name. */
  readonly otherDeployments: number;
  /** Deliveries in the window of what was live already. */
  readonly redeliveries: number;
  readonly host: TeamHistory | undefined;
  readonly team: TeamDeployments;
  readonly inWindow: readonly DeploymentFacts[];
}

/** Returns the limits of the figures, each in a sentence, so that no gap is hidden. */
export function limitationsOf(inputs: NoteInputs): string[] {
  const { pipeline, environment, where, asked, journalsSince, wholeSince, otherDeployments, redeliveries, host, team, inWindow } = inputs;
  return [
    ...(pipeline.release === undefined
      ? [`delivery.yaml names no \`release\`: ${environment} is the last environment that the pipeline deploys to`]
      : []),
    ...(journalsSince > asked ? [`since ${day(journalsSince)} only: this machine keeps ${keptRuns} runs`] : []),
    ...(wholeSince > asked ? [`since ${day(wholeSince)} only: the number of recorded deployments exceeds the limit`] : []),
    ...hostNotes(host, where),
    ...(otherDeployments > 0
      ? [
          `not counted: ${counted(otherDeployments, 'deployment')} to another ${environment}: each machine has its own \`process\` environments`,
        ]
      : []),
    ...(redeliveries > 0 ? [`not counted: ${counted(redeliveries, 'repeated deployment')} of a commit that was live already`] : []),
    ...recordNotes(team),
    ...changeNotes(inWindow, team.deployments),
  ];
}

function hostNotes(host: TeamHistory | undefined, where: NoteInputs['where']): string[] {
  const missing = 'deliveries by the rest of the team are missing';
  if (host?.state === 'missing') return [`${missing}: ${host.why}${host.hint === undefined ? '' : ` (${host.hint})`}`];
  return host || where === 'here' ? [] : [`${missing}: delivery.yaml names no \`engine\` that records deployments`];
}

function recordNotes({ repeats, inactive }: TeamDeployments): string[] {
  return [
    ...(repeats > 0 ? [`not counted: ${counted(repeats, 'record')} of a commit that was live already`] : []),
    ...(inactive > 0 ? [`not counted: ${counted(inactive, 'record')} of a commit that is no longer live and may never have been`] : []),
  ];
}

/** Only successful deployments matter here: changes of failed ones count when they are deployed again. */
function changeNotes(inWindow: readonly DeploymentFacts[], all: readonly ProductionDeployment[]): string[] {
  const unknown = inWindow.filter(({ deployment, committedAt }) => !deployment.failure && !committedAt);
  const first = unknown.filter(({ deployment }) => !rangeOf(deployment, all)).length;
  const missing = unknown.length - first;
  const { impossible } = leadTimes(inWindow);
  return [
    ...(first > 0 ? [`unknown: the changes of ${counted(first, 'deployment')}, because the commit that was live before is unknown`] : []),
    ...(missing > 0
      ? [`unknown: the changes of ${counted(missing, 'deployment')}, because their commits are not in this repository (run git fetch)`]
      : []),
    ...(impossible > 0 ? [`not counted: ${counted(impossible, 'change')} with a date after they went live: a clock is wrong`] : []),
  ];
}

function day(iso: string): string {
  return iso.slice(0, 10);
}
