import type { Environment } from '../environments/environment';
import type { Step } from '../pipeline/pipeline';
import type { Release, StepState } from './events';
import type { Journal } from './journal';

/**
 * Watches over what a run deployed: a release stays when every step that verifies its environment
 * has passed; as soon as one does not, the previous release is brought back.
 */
export class Verification {
  /** Why a release that was verified is not live all the same. */
  private lost: string | undefined;
  private readonly pending = new Map<string, { environment: Environment; release: Release; left: Set<string> }>();

  constructor(
    private readonly service: string,
    private readonly steps: readonly Step[],
    private readonly journal: Journal,
  ) {}

  /** A release is live and not yet verified. */
  async deployed(environment: Environment, release: Release): Promise<void> {
    const left = new Set(this.steps.filter((step) => step.verifies === environment.name).map((step) => step.name));
    if (left.size === 0) await this.settle(environment, release);
    else this.pending.set(environment.name, { environment, release, left });
  }

  /** A step that verifies an environment has ended in `state`. Every other step passes through. */
  async ended(step: Step, state: StepState): Promise<void> {
    const pending = step.verifies === undefined ? undefined : this.pending.get(step.verifies);
    if (!pending) return;
    if (state !== 'passed')
      return this.giveBack(pending.environment, pending.release, `${step.name} ${state === 'failed' ? 'failed' : `was ${state}`}`);
    this.journal.append({ type: 'verified', environment: pending.environment.name, step: step.name });
    pending.left.delete(step.name);
    if (pending.left.size > 0) return;
    this.pending.delete(pending.environment.name);
    await this.settle(pending.environment, pending.release);
  }

  /**
   * Nothing more will run: what was not verified until now never will be. Answers why the run cannot
   * count as passed though its steps did, if that is so.
   */
  async finish(): Promise<string | undefined> {
    for (const { environment, release, left } of [...this.pending.values()]) {
      await this.giveBack(environment, release, `${[...left].join(', ')} did not run`);
    }
    return this.lost;
  }

  private async settle(environment: Environment, release: Release): Promise<void> {
    const settled = await environment.settle(this.service, release.id);
    if (!settled.ok) this.lost = settled.failure.message;
  }

  private async giveBack(environment: Environment, release: Release, reason: string): Promise<void> {
    this.pending.delete(environment.name);
    const back = await environment.rollBack(this.service);
    if (back.ok)
      this.journal.append({
        type: 'rolled-back',
        environment: environment.name,
        from: release,
        ...(back.value.to && { to: back.value.to }),
        reason,
      });
    else this.journal.append({ type: 'notice', message: `${environment.name} could not be rolled back: ${back.failure.message}` });
  }
}
