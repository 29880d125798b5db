import type { PastDeployment } from '../ci/ci-client';
import type { Contains } from './rework';
import { inOrder, timeOf, type JournaledDeployment, type ProductionDeployment } from './deployment';

/** The deployments of everybody, oldest first, each once. */
export interface TeamDeployments {
  readonly deployments: readonly ProductionDeployment[];
  /** Records of what was live already: of a step that looks at it, or of what may have come back. They are no deployments. */
  readonly again: number;
  /** Records that only say that a commit is not live any more: whether it ever was is not certain. */
  readonly gone: number;
}

/** By how much clocks may differ, and how long it may take to put a deployment on record. */
const slackMs = 120_000;

type Happening =
  | { readonly at: string; readonly kind: 'deployed'; readonly deployment: JournaledDeployment }
  | { readonly at: string; readonly kind: 'back'; readonly to: string | undefined }
  | { readonly at: string; readonly kind: 'record'; readonly record: PastDeployment };

/**
 * What the journals of this machine tell and what the host of the team has on record, brought together. A delivery that both tell of is
 * the journal's: the same commit, on record while its run went on or it was taken back. Where an earlier release was deployed again over one
 * that goes on from it, that is no deployment: the later one was taken back, whoever did it and however. A branch that is delivered in turn
 * with another takes nothing back.
 */
export async function deploymentsOfTeam(
  own: readonly JournaledDeployment[],
  records: readonly PastDeployment[],
  about: Pick<ProductionDeployment, 'service' | 'environment' | 'source'>,
  contains: Contains,
): Promise<TeamDeployments> {
  const others = records.filter((record) => !own.some((deployment) => isToldBy(deployment, record)));
  const timeline = new Timeline(about, contains);
  for (const happening of inOrder([...own.flatMap(happeningsOf), ...others.map(happeningOf)])) await timeline.take(happening);
  return timeline.result();
}

function happeningsOf(deployment: JournaledDeployment): Happening[] {
  const { at, failure } = deployment;
  const deployed: Happening = { at, kind: 'deployed', deployment };
  return failure ? [deployed, { at: failure.at, kind: 'back', to: failure.back }] : [deployed];
}

function happeningOf(record: PastDeployment): Happening {
  return { at: record.at, kind: 'record', record };
}

/** Whether a record is of what a journal tells: the deployment itself, its end, or what came back then. */
function isToldBy({ commit, run, failure }: JournaledDeployment, record: PastDeployment): boolean {
  const at = timeOf(record.at);
  const isIn = (from: string, to: string): boolean => at >= timeOf(from) - slackMs && at <= timeOf(to) + slackMs;
  if (record.commit === commit && (isIn(run.from, run.to) || (failure && isIn(failure.at, failure.at)))) return true;
  const isBack = failure?.back === record.commit;
  return isBack && isIn(failure.at, timeOf(run.to) > timeOf(failure.at) ? run.to : failure.at);
}

/** What is live, as one thing after the other happens. */
class Timeline {
  private readonly deployments: ProductionDeployment[] = [];
  /** In which order commits went live first; below 0: before all that is known. */
  private readonly order = new Map<string, number>();
  private live: string | undefined;
  /** What is live is known from a record, not from a journal. */
  private isRecorded = false;
  private again = 0;
  private gone = 0;

  constructor(
    private readonly about: Pick<ProductionDeployment, 'service' | 'environment' | 'source'>,
    private readonly contains: Contains,
  ) {}

  async take(happening: Happening): Promise<void> {
    const { live } = this;
    if (happening.kind === 'deployed') await this.deployed(happening.deployment);
    else if (happening.kind === 'back') this.goesLive(happening.to, -1 - this.order.size);
    else await this.recorded(happening.record);
    if (this.live !== live) this.isRecorded = happening.kind === 'record';
  }

  result(): TeamDeployments {
    const { deployments, again, gone } = this;
    return { deployments, again, gone };
  }

  private async deployed({ run: _, previous: before, ...rest }: JournaledDeployment): Promise<void> {
    // Not every environment tells its machines what others delivered to it.
    const isByOthers = this.isRecorded && (before === undefined || this.order.has(before));
    const previous = isByOthers ? this.live : before;
    if (previous !== undefined) this.goesLive(previous);
    if (!rest.failure && (await this.isEarlier(rest.commit)) === true) return this.takenBack(rest.at, rest.commit);
    this.deployments.push({ ...rest, ...(previous !== undefined && { previous }) });
    this.goesLive(rest.commit);
  }

  private async recorded({ commit, at, state, failedAt }: PastDeployment): Promise<void> {
    if (state === 'gone') {
      this.gone += this.order.has(commit) ? 0 : 1;
      return;
    }
    if (commit === this.live) {
      this.again += 1;
      if (failedAt !== undefined) this.failed({ at: failedAt });
      return;
    }
    const isEarlier = await this.isEarlier(commit);
    if (isEarlier === true) return this.takenBack(at, commit);
    if (isEarlier === undefined) this.again += 1;
    else {
      const previous = this.live === undefined ? {} : { previous: this.live };
      const failure = failedAt === undefined ? {} : { failure: { at: failedAt } };
      this.deployments.push({ ...this.about, commit, committed: commit, at, ...previous, ...failure });
    }
    this.goesLive(commit);
  }

  private takenBack(at: string, back: string): void {
    this.failed({ at, back });
    this.goesLive(back);
  }

  /** Of what is live; nothing where that went live before all that is known. */
  private failed(failure: NonNullable<ProductionDeployment['failure']>): void {
    const index = this.deployments.findLastIndex(({ commit }) => commit === this.live);
    const deployment = this.deployments[index];
    if (deployment && !deployment.failure?.back) this.deployments[index] = { ...deployment, failure };
  }

  private goesLive(commit: string | undefined, order = this.order.size): void {
    if (commit !== undefined && !this.order.has(commit)) this.order.set(commit, order);
    this.live = commit;
  }

  /** Whether what is live came after it, in time and in history; undefined where git does not know. */
  private async isEarlier(commit: string): Promise<boolean | undefined> {
    const { live } = this;
    const [first, since] = [commit, live ?? ''].map((one) => this.order.get(one));
    if (live === undefined || first === undefined || since === undefined || first >= since) return false;
    return this.contains(live, commit);
  }
}
