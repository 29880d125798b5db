import type { PastDeployment } from '../ci/ci-client';
import { type Contains, inOrder, timeOf, type JournaledDeployment, type ProductionDeployment } from './deployment';

/** The deployments of the whole team, oldest first, without duplicates. */
export interface TeamDeployments {
  readonly deployments: readonly ProductionDeployment[];
  /** Records of a commit that was live already, from status checks or possible rollbacks. They are not deployments. */
  readonly repeats: number;
  /** The times of deliveries from this machine that brought what was live already. They are no deployments. ISO 8601, UTC. */
  readonly redeliveries: readonly string[];
  /** Records that a commit is no longer live. It may never have been live. */
  readonly inactive: number;
}

/** Tolerated clock difference plus the delay until a deployment is recorded. */
const slackMs = 120_000;

type TimelineEvent =
  | { readonly at: string; readonly kind: 'deployed'; readonly deployment: JournaledDeployment }
  | { readonly at: string; readonly kind: 'back'; readonly to: string | undefined }
  | { readonly at: string; readonly kind: 'record'; readonly record: PastDeployment };

/**
 * Merges this machine's journals with the records of the team's host. A deployment in both counts as the journal's: the commit is
 * the same, and the record dates from its run or its rollback. A record of an earlier release over a later one that contains it is
 * a rollback of the later one. Alternating branches are not rollbacks.
 */
export async function deploymentsOfTeam(
  journaled: readonly JournaledDeployment[],
  records: readonly PastDeployment[],
  about: Pick<ProductionDeployment, 'service' | 'environment' | 'source'>,
  contains: Contains,
): Promise<TeamDeployments> {
  const others = records.filter((record) => !journaled.some((deployment) => isJournaled(deployment, record)));
  const timeline = new Timeline(about, contains);
  for (const event of inOrder([...journaled.flatMap(eventsOf), ...others.map(eventOf)])) await timeline.take(event);
  return timeline.result();
}

function eventsOf(deployment: JournaledDeployment): TimelineEvent[] {
  const { at, failure } = deployment;
  const deployed: TimelineEvent = { at, kind: 'deployed', deployment };
  return failure ? [deployed, { at: failure.at, kind: 'back', to: failure.back }] : [deployed];
}

function eventOf(record: PastDeployment): TimelineEvent {
  return { at: record.at, kind: 'record', record };
}

/** Returns whether a record matches a journaled deployment: the deployment itself, its end, or its rollback. */
function isJournaled({ commit, run, failure }: JournaledDeployment, record: PastDeployment): boolean {
  const at = timeOf(record.at);
  const isIn = (from: string, to: string): boolean => at >= timeOf(from) - slackMs && at <= timeOf(to) + slackMs;
  if (record.commit === commit && (isIn(run.from, run.to) || (failure && isIn(failure.at, failure.at)))) return true;
  const isBack = failure?.back === record.commit;
  return isBack && isIn(failure.at, timeOf(run.to) > timeOf(failure.at) ? run.to : failure.at);
}

/** Tracks the live commit through a sequence of events. */
class Timeline {
  private readonly deployments: ProductionDeployment[] = [];
  /** The order in which commits first went live; negative before the known history. */
  private readonly order = new Map<string, number>();
  private live: string | undefined;
  /** The live commit is known from a record, not from a journal. */
  private isRecorded = false;
  private repeats = 0;
  private readonly redeliveries: string[] = [];
  private inactive = 0;

  constructor(
    private readonly about: Pick<ProductionDeployment, 'service' | 'environment' | 'source'>,
    private readonly contains: Contains,
  ) {}

  async take(event: TimelineEvent): Promise<void> {
    const { live } = this;
    if (event.kind === 'deployed') await this.deployed(event.deployment);
    else if (event.kind === 'back') this.goesLive(event.to, -1 - this.order.size);
    else await this.recorded(event.record);
    if (this.live !== live) this.isRecorded = event.kind === 'record';
  }

  result(): TeamDeployments {
    const { deployments, repeats, redeliveries, inactive } = this;
    return { deployments, repeats, redeliveries, inactive };
  }

  private async deployed({ run: _, previous: before, ...rest }: JournaledDeployment): Promise<void> {
    // Some environments do not report deliveries by other machines.
    const isByOthers = this.isRecorded && (before === undefined || this.order.has(before));
    const previous = isByOthers ? this.live : before;
    if (previous !== undefined) this.goesLive(previous);
    if (rest.commit === previous && !rest.failure) {
      this.redeliveries.push(rest.at);
      return;
    }
    if (!rest.failure && (await this.isEarlier(rest.commit)) === true) return this.rolledBack(rest.at, rest.commit);
    this.deployments.push({ ...rest, ...(previous !== undefined && { previous }) });
    this.goesLive(rest.commit);
  }

  private async recorded({ commit, at, state, failedAt }: PastDeployment): Promise<void> {
    if (state === 'gone') {
      this.inactive += this.order.has(commit) ? 0 : 1;
      return;
    }
    if (commit === this.live) {
      this.repeats += 1;
      if (failedAt !== undefined) this.failed({ at: failedAt });
      return;
    }
    const isEarlier = await this.isEarlier(commit);
    if (isEarlier === true) return this.rolledBack(at, commit);
    if (isEarlier === undefined) this.repeats += 1;
    else {
      const previous = this.live === undefined ? {} : { previous: this.live };
      const failure = failedAt === undefined ? {} : { failure: { at: failedAt } };
      this.deployments.push({ ...this.about, commit, committed: commit, at, ...previous, ...failure });
    }
    this.goesLive(commit);
  }

  private rolledBack(at: string, back: string): void {
    this.failed({ at, back });
    this.goesLive(back);
  }

  /** Marks the live deployment as failed, if it is in the known history. */
  private failed(failure: NonNullable<ProductionDeployment['failure']>): void {
    const index = this.deployments.findLastIndex(({ commit }) => commit === this.live);
    const deployment = this.deployments[index];
    if (deployment && !deployment.failure?.back) this.deployments[index] = { ...deployment, failure };
  }

  private goesLive(commit: string | undefined, order = this.order.size): void {
    if (commit !== undefined && !this.order.has(commit)) this.order.set(commit, order);
    this.live = commit;
  }

  /** Returns whether the live commit came later, in time and in history; undefined if git does not know. */
  private async isEarlier(commit: string): Promise<boolean | undefined> {
    const { live } = this;
    const [first, since] = [commit, live ?? ''].map((one) => this.order.get(one));
    if (live === undefined || first === undefined || since === undefined || first >= since) return false;
    return this.contains(live, commit);
  }
}
