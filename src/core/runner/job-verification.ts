import type { Environment } from '../environments/environment';
import type { RepositoryHome } from '../support/home';
import type { Pipeline, Step } from '../model/pipeline';
import type { Release, StepState } from '../model/events';
import type { Journal } from '../history/journal';
import { listRuns } from '../history/runs';
import { keepWatch, type ReleaseGuard } from './verification';

/** A release that an earlier job deployed and this job verifies. */
export interface ReleaseToVerify {
  readonly environment: Environment;
  readonly release: Release;
  readonly previous?: Release;
  readonly url: string;
}

/**
 * Guards a release if each step is a separate job of a CI service. The release stays unverified until all jobs that verify
 * it have ended. The first job that does not pass rolls it back.
 */
export class JobVerification implements ReleaseGuard {
  private lost: string | undefined;

  constructor(
    private readonly pipeline: Pipeline,
    private readonly journal: Journal,
    private readonly home: RepositoryHome,
    /** The command that starts this program. */
    private readonly program: readonly string[],
    private readonly verified?: ReleaseToVerify,
  ) {}

  addressOf(environment: string): string | undefined {
    return this.verified?.environment.name === environment ? this.verified.url : undefined;
  }

  async deployed(environment: Environment, release: Release, previous: Release | undefined): Promise<void> {
    if (this.verifying(environment.name).length === 0) await this.settle(environment, release, previous);
  }

  async ended(step: Step, state: StepState): Promise<void> {
    if (step.verifies === undefined || !this.verified) return;
    const { environment, release, previous } = this.verified;
    if (state !== 'passed') return this.rollBack(environment, release, `${step.name} ${state === 'failed' ? 'failed' : `was ${state}`}`);
    this.journal.append({ type: 'verified', environment: environment.name, step: step.name });
    const left = this.verifying(environment.name).filter((other) => other.name !== step.name && !this.hasPassed(other, release));
    if (left.length === 0) await this.settle(environment, release, previous);
    else this.journal.append({ type: 'notice', message: `${left.map(({ name }) => name).join(', ')} still verifies this release` });
  }

  async finish(): Promise<string | undefined> {
    return Promise.resolve(this.lost);
  }

  private verifying(environment: string): Step[] {
    return this.pipeline.steps.filter((step) => step.verifies === environment);
  }

  /** Returns true if this machine has recorded that another job verified this release. */
  private hasPassed(step: Step, release: Release): boolean {
    return listRuns(this.home, { service: this.pipeline.service }).some(
      (run) =>
        run.outcome === 'passed' &&
        run.change.commit === release.commit &&
        run.startedAt >= release.deployedAt &&
        run.steps.some((one) => one.name === step.name && one.state === 'passed'),
    );
  }

  private async settle(environment: Environment, release: Release, previous: Release | undefined): Promise<void> {
    const settled = await environment.settle(this.pipeline.service, release.id);
    if (!settled.ok) this.lost = settled.failure.message;
    else if (previous) keepWatch(this.pipeline, environment.name, release, this.journal, this.program, false);
  }

  private async rollBack(environment: Environment, from: Release, reason: string): Promise<void> {
    // `only`: another pipeline may have delivered a newer release, which must stay.
    const back = await environment.rollBack(this.pipeline.service, { only: from.id });
    if (!back.ok) {
      this.journal.append({ type: 'notice', message: `${environment.name} could not be rolled back: ${back.failure.message}` });
      return;
    }
    const { to } = back.value;
    this.journal.append({
      type: 'rolled-back',
      environment: environment.name,
      from,
      ...(to && { to }),
      reason,
      errorsMs: Date.now() - Date.parse(from.deployedAt),
    });
  }
}
