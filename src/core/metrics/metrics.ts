import { counted } from '../support/format';
import { timeOf, type ProductionDeployment } from './deployment';

/** A figure, or a sentence why it is missing. Too little data gives no figure. */
export type Measured<T> = { readonly value: T } | { readonly absent: string };

/** The metrics that DORA defines (dora.dev/guides/dora-metrics), for one service in its customers' environment. */
export interface DoraMetrics {
  readonly deploymentFrequency: Measured<DeploymentFrequency>;
  readonly leadTime: Measured<LeadTime>;
  readonly changeFailRate: Measured<Share>;
  readonly recoveryTime: Measured<RecoveryTime>;
  readonly reworkRate: Measured<Share>;
}

export interface DeploymentFrequency {
  readonly deployments: number;
  readonly days: number;
  /** Absent for a window shorter than a week. */
  readonly perWeek?: number;
}

export interface LeadTime {
  readonly medianMs: number;
  /** The 90th percentile; absent with too few changes. */
  readonly p90Ms?: number;
  readonly changes: number;
}

export interface Share {
  readonly rate: number;
  readonly count: number;
  readonly of: number;
}

export interface RecoveryTime {
  readonly medianMs: number;
  readonly failures: number;
}

/** A deployment with its facts from git. */
export interface DeploymentFacts {
  readonly deployment: ProductionDeployment;
  /** The commit date of each change that is in the deployment but was not live before. Absent: unknown. */
  readonly committedAt?: readonly string[];
  /** Whether it repairs a failed deployment; absent: unknown. */
  readonly isRework?: boolean;
}

export interface Window {
  /** ISO 8601, UTC. */
  readonly since: string;
  readonly until: string;
}

/** The minimum number of values for a median, and of deployments for a rate. */
export const minCount = 3;
const minForP90 = 10;
const dayMs = 86_400_000;

/**
 * Returns all metrics for the deployments of a window. `all` is oldest first and includes earlier and later deployments, which
 * show recoveries.
 */
export function doraMetrics(all: readonly DeploymentFacts[], window: Window): DoraMetrics {
  const inWindow = all.filter(({ deployment: { at } }) => isIn(at, window));
  return {
    deploymentFrequency: deploymentFrequency(inWindow, window),
    leadTime: leadTime(inWindow),
    changeFailRate: changeFailRate(inWindow),
    recoveryTime: recoveryTime(
      inWindow.map(({ deployment }) => deployment),
      all.map(({ deployment }) => deployment),
    ),
    reworkRate: reworkRate(inWindow),
  };
}

export function isIn(at: string, { since, until }: Window): boolean {
  return timeOf(at) >= timeOf(since) && timeOf(at) <= timeOf(until);
}

/** DORA: the number of deployments over a given period. Failed deployments count if they went live. */
function deploymentFrequency(inWindow: readonly DeploymentFacts[], { since, until }: Window): Measured<DeploymentFrequency> {
  const deployments = inWindow.length;
  const exact = (timeOf(until) - timeOf(since)) / dayMs;
  const days = Math.round(exact * 10) / 10;
  return { value: { deployments, days, ...(exact >= 7 && { perWeek: Math.round((deployments / exact) * 70) / 10 }) } };
}

/**
 * DORA: the time from a change being committed to version control to its being deployed in production. It starts at the
 * committer's date, because the author's date survives rebases and amendments. A change arrives with its first successful
 * deployment.
 */
function leadTime(inWindow: readonly DeploymentFacts[]): Measured<LeadTime> {
  const { possible: times, impossible } = leadTimes(inWindow);
  if (times.length >= minCount) {
    const p90Ms = times[Math.ceil(times.length * 0.9) - 1];
    const isEnough = times.length >= minForP90 && p90Ms !== undefined;
    return { value: { medianMs: medianOf(times), ...(isEnough && { p90Ms }), changes: times.length } };
  }
  const stayed = inWindow.filter(({ deployment }) => !deployment.failure);
  if (stayed.length > 0 && stayed.every(({ committedAt }) => !committedAt)) return { absent: 'the changes of the deployments are unknown' };
  if (impossible > times.length) return { absent: 'the changes have dates after they went live: a clock is wrong' };
  return { absent: `${counted(times.length, 'change')} went live: too few for a median` };
}

/** Returns the lead times, shortest first, and the number of changes with a commit date after their deployment, caused by a wrong clock. */
export function leadTimes(inWindow: readonly DeploymentFacts[]): { readonly possible: readonly number[]; readonly impossible: number } {
  const stayed = inWindow.filter(({ deployment }) => !deployment.failure);
  const all = stayed.flatMap(({ deployment, committedAt = [] }) => committedAt.map((at) => timeOf(deployment.at) - timeOf(at)));
  const possible = all.filter((ms) => ms >= 0).sort((a, b) => a - b);
  return { possible, impossible: all.length - possible.length };
}

/** DORA: the ratio of deployments that require immediate intervention. A deployment counts if it was rolled back or reported as failed. */
function changeFailRate(inWindow: readonly DeploymentFacts[]): Measured<Share> {
  return shareOf(inWindow.filter(({ deployment }) => deployment.failure).length, inWindow.length);
}

/**
 * DORA: the time it takes to recover from a failed deployment. It ends when the earlier release is live again or, without one,
 * with the next successful deployment. Open failures have no time.
 */
function recoveryTime(inWindow: readonly ProductionDeployment[], all: readonly ProductionDeployment[]): Measured<RecoveryTime> {
  const failed = inWindow.filter(({ failure }) => failure);
  const times = failed
    .flatMap((one) => {
      const { back, at } = one.failure ?? {};
      const next = all.find((other) => timeOf(other.at) > timeOf(one.at) && !other.failure)?.at;
      const recovered = back === undefined ? next : at;
      return recovered === undefined ? [] : [timeOf(recovered) - timeOf(one.at)];
    })
    .sort((a, b) => a - b);
  if (times.length >= minCount) return { value: { medianMs: medianOf(times), failures: times.length } };
  if (failed.length === 0) return { absent: 'no deployment failed' };
  const open = failed.length - times.length;
  const stillOpen = open === 0 ? '' : `, ${open} of them not recovered yet`;
  return { absent: `${counted(failed.length, 'failed deployment')}${stillOpen}: too few for a median` };
}

/** DORA: the ratio of deployments that are unplanned and happen as a result of an incident in production. See `reworkOf`. */
function reworkRate(inWindow: readonly DeploymentFacts[]): Measured<Share> {
  if (inWindow.some(({ isRework }) => isRework === undefined))
    return { absent: 'it is unknown which deployments repair a failed one: some commits are not in this repository' };
  return shareOf(inWindow.filter(({ isRework }) => isRework).length, inWindow.length);
}

function shareOf(count: number, of: number): Measured<Share> {
  if (of < minCount) return { absent: `${counted(of, 'deployment')}: too few for a rate` };
  return { value: { rate: count / of, count, of } };
}

/** Expects at least one number, in ascending order. */
function medianOf(sorted: readonly number[]): number {
  const middle = Math.floor(sorted.length / 2);
  const [above = 0, below = 0] = [sorted[middle], sorted[sorted.length % 2 === 0 ? middle - 1 : middle]];
  return Math.round((above + below) / 2);
}
