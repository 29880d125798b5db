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
import { keptRuns } from '../runner/tidy';
import { journaledDeployments, rangeOf, type ProductionDeployment } from './deployment';
import { doraMetrics, isIn, type Carried, type DoraMetrics, type Window } from './metrics';
import { notesOf } from './warnings';
import { reworkOf, type Contains } from './rework';
import { deploymentsOfTeam } from './team';

export interface MetricsRequest {
  readonly repository: Repository;
  readonly home: RepositoryHome;
  readonly service: CiPipeline;
  /** All of the repository. */
  readonly services: readonly CiPipeline[];
  readonly tokens: Tokens;
  /** How far back. */
  readonly days: number;
  /** In milliseconds since the epoch. */
  readonly now: number;
  readonly signal: AbortSignal;
}

export interface ServiceMetrics extends DoraMetrics, Window {
  readonly service: string;
  readonly environment: string;
  /** In the window. */
  readonly deployments: number;
  /** Others deliver there, too, and it is known only as far as this machine followed it. */
  readonly isOfThisMachineAlone: boolean;
  readonly sources: readonly MetricsSource[];
  /** What the figures do not hold, and why. */
  readonly notes: readonly string[];
}

/** Where deployments are known from. */
export interface MetricsSource {
  readonly source: ProductionDeployment['source'];
  /** Which repository or project; absent for the journals of this machine. */
  readonly place?: string;
  /** In the window. What a journal tells, too, is the journals'. */
  readonly deployments: number;
  /** Why nothing is known from it. */
  readonly missing?: string;
}

const dayMs = 86_400_000;
const gitAtOnce = 4;

/** The delivery metrics of a service where its customers are, from the journals of this machine and the records of the team's host. */
export async function serviceMetrics(request: MetricsRequest): Promise<Result<ServiceMetrics>> {
  const { repository, home, service, days, now } = request;
  const { pipeline } = service;
  const environment = environmentOf(pipeline);
  if (environment === undefined)
    return fail('usage', `${pipeline.service} is deployed to no environment, so there is nothing to measure`, {
      hint: 'a step with `deploy: NAME` in delivery.yaml deploys it',
    });
  const asked = new Date(now - days * dayMs).toISOString();
  const runs = listRuns(home, { service: pipeline.service });
  const where = whereOf(pipeline, environment);
  const meant = runs.filter(({ engine }) => where === 'shared' || (engine === undefined) === (where === 'here'));
  const own = journaledDeployments(meant, pipeline.service, environment);
  const host = where === 'here' ? undefined : await readTeamHistory({ ...request, environment, since: asked });
  const records = host?.state === 'read' ? host.history.deployments : [];
  const about = { service: pipeline.service, environment, source: host?.name ?? 'journals' } as const;
  const contains: Contains = async (commit, earlier) => containsCommit(repository, home, commit, earlier);
  const team = await deploymentsOfTeam(own, records, about, contains);

  const journalsSince = runIds(home).length < keptRuns ? asked : (oldestRun(home) ?? asked);
  const wholeSince = (host?.state === 'read' ? host.history.wholeSince : undefined) ?? asked;
  const since = [asked, journalsSince, wholeSince].sort().at(-1) ?? asked;
  const window: Window = { since, until: new Date(now).toISOString() };
  const carried = await carriedBy(request, team.deployments, window, contains);
  const inWindow = carried.filter(({ deployment: { at } }) => isIn(at, window));
  const others = runs.filter((run) => !meant.includes(run));
  const elsewhere = journaledDeployments(others, pipeline.service, environment).filter(({ at }) => isIn(at, window)).length;
  const notes = notesOf({ pipeline, environment, where, asked, journalsSince, wholeSince, elsewhere, host, team, inWindow });
  const countOf = (source: MetricsSource['source']): number => inWindow.filter(({ deployment }) => deployment.source === source).length;
  return ok({
    ...{ service: pipeline.service, environment, ...window, deployments: inWindow.length },
    isOfThisMachineAlone: where !== 'here' && host?.state !== 'read',
    ...doraMetrics(carried, window),
    sources: [{ source: 'journals', deployments: countOf('journals') }, ...(host ? [hostSource(host, countOf(host.name))] : [])],
    notes,
  });
}

/** Where customers are, else the last one that a step deploys to. */
function environmentOf({ release, steps }: Pipeline): string | undefined {
  return release ?? steps.findLast(({ deploy }) => deploy !== undefined)?.deploy;
}

/**
 * An environment of the kind `process` is each machine's own: the one that is meant is that of the CI service's machine where the pipeline
 * deploys to it there, else this one's.
 */
function whereOf({ environments, engine, steps }: Pipeline, environment: string): 'shared' | 'there' | 'here' {
  if (!isEmbedded(environments[environment]?.kind ?? '')) return 'shared';
  return engine && steps.some(({ deploy }) => deploy === environment) ? 'there' : 'here';
}

function oldestRun(home: RepositoryHome): string | undefined {
  const oldest = runIds(home).at(-1);
  return oldest === undefined ? undefined : readRecorded(home.run(oldest))?.startedAt;
}

/** What git knows of the deployments of the window, and of those that they repair. */
async function carriedBy(
  { repository, home, service: { folder } }: MetricsRequest,
  deployments: readonly ProductionDeployment[],
  window: Window,
  contains: Contains,
): Promise<Carried[]> {
  const rework = await reworkOf(deployments, contains);
  const datesOf = async (deployment: ProductionDeployment): Promise<readonly string[] | undefined> => {
    const range = deployment.failure || !isIn(deployment.at, window) ? undefined : rangeOf(deployment, deployments);
    return range && commitDates(repository, home, { ...range, folder });
  };
  const carried: Carried[] = [];
  for (let at = 0; at < deployments.length; at += gitAtOnce) {
    const some = deployments.slice(at, at + gitAtOnce);
    const dates = await Promise.all(some.map(datesOf));
    for (const [index, deployment] of some.entries()) {
      const [committedAt, isRework] = [dates[index], rework[at + index]];
      carried.push({ deployment, ...(committedAt && { committedAt }), ...(isRework !== undefined && { isRework }) });
    }
  }
  return carried;
}

function hostSource(host: TeamHistory, deployments: number): MetricsSource {
  if (host.state === 'missing') return { source: host.name, deployments, missing: host.why };
  return { source: host.name, place: host.place, deployments };
}
