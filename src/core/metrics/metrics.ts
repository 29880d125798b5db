import { counted } from '../support/format';
import { timeOf, type ProductionDeployment } from './deployment';

/** A figure, or in a sentence why there is none: too few data are no figure. */
export type Measured<T> = { readonly value: T } | { readonly absent: string };

/** Those that DORA names (dora.dev/guides/dora-metrics), of one service where its customers are. */
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
  /** Absent for less than a week. */
  readonly perWeek?: number;
}

export interface LeadTime {
  readonly medianMs: number;
  /** Nine of ten took no longer; absent where there are too few to say so. */
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

/** What git knows of one deployment. */
export interface Carried {
  readonly deployment: ProductionDeployment;
  /** When each change was committed that it brought: all that is in it and not in what was live before. Absent: not known. */
  readonly committedAt?: readonly string[];
  /** It repairs a failed one; absent: not known. */
  readonly isRework?: boolean;
}

export interface Window {
  /** ISO 8601, UTC. */
  readonly since: string;
  readonly until: string;
}

/** Fewer values have no median, and fewer deployments no rate. */
export const fewest = 3;
const fewestForP90 = 10;
const dayMs = 86_400_000;

/** All of them for the deployments of a window. Those before and after it tell what became of them: `all` is oldest first. */
export function doraMetrics(all: readonly Carried[], window: Window): DoraMetrics {
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

/** DORA: the number of deployments over a given period. All that went live count, also those that failed. */
function deploymentFrequency(inWindow: readonly Carried[], { since, until }: Window): Measured<DeploymentFrequency> {
  const deployments = inWindow.length;
  const exact = (timeOf(until) - timeOf(since)) / dayMs;
  const days = Math.round(exact * 10) / 10;
  return { value: { deployments, days, ...(exact >= 7 && { perWeek: Math.round((deployments / exact) * 70) / 10 }) } };
}

/**
 * DORA: the time from a change being committed to version control to its being deployed in production. From the committer's date:
 * that is when this very commit came to be, while the author's date survives every rebase and amendment. A change arrives with the first
 * deployment that stays: what was taken back brought nothing.
 */
function leadTime(inWindow: readonly Carried[]): Measured<LeadTime> {
  const { possible: times, impossible } = leadTimes(inWindow);
  if (times.length >= fewest) {
    const p90Ms = times[Math.ceil(times.length * 0.9) - 1];
    const isEnough = times.length >= fewestForP90 && p90Ms !== undefined;
    return { value: { medianMs: medianOf(times), ...(isEnough && { p90Ms }), changes: times.length } };
  }
  const stayed = inWindow.filter(({ deployment }) => !deployment.failure);
  if (stayed.length > 0 && stayed.every(({ committedAt }) => !committedAt))
    return { absent: 'it is not known which changes the deployments brought' };
  if (impossible > times.length) return { absent: 'the changes have dates after they were live: a clock is wrong' };
  return { absent: `${counted(times.length, 'change')} went live: too few for a median` };
}

/** From commit to live, the shortest first, and how many there are that were committed after they were live: by a clock that is wrong. */
export function leadTimes(inWindow: readonly Carried[]): { readonly possible: readonly number[]; readonly impossible: number } {
  const stayed = inWindow.filter(({ deployment }) => !deployment.failure);
  const all = stayed.flatMap(({ deployment, committedAt = [] }) => committedAt.map((at) => timeOf(deployment.at) - timeOf(at)));
  const possible = all.filter((ms) => ms >= 0).sort((a, b) => a - b);
  return { possible, impossible: all.length - possible.length };
}

/** DORA: the ratio of deployments that require immediate intervention after them. By release: whatever was taken back, or failed. */
function changeFailRate(inWindow: readonly Carried[]): Measured<Share> {
  return shareOf(inWindow.filter(({ deployment }) => deployment.failure).length, inWindow.length);
}

/**
 * DORA: the time it takes to recover from a deployment that fails. From when the failed release went live until the earlier one was live
 * again or, where none was, the next one that stayed. One that nothing has come after yet has no time.
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
  if (times.length >= fewest) return { value: { medianMs: medianOf(times), failures: times.length } };
  if (failed.length === 0) return { absent: 'no deployment failed' };
  const open = failed.length - times.length;
  const stillOpen = open === 0 ? '' : `, ${open} of them not recovered from yet`;
  return { absent: `${counted(failed.length, 'failed deployment')}${stillOpen}: too few for a median` };
}

/** DORA: the ratio of deployments that are unplanned and happen as a result of an incident in production. See `reworkOf`. */
function reworkRate(inWindow: readonly Carried[]): Measured<Share> {
  if (inWindow.some(({ isRework }) => isRework === undefined))
    return { absent: 'whether a deployment repairs a failed one is not known: the commits of some are not in this repository' };
  return shareOf(inWindow.filter(({ isRework }) => isRework).length, inWindow.length);
}

function shareOf(count: number, of: number): Measured<Share> {
  if (of < fewest) return { absent: `${counted(of, 'deployment')}: too few for a rate` };
  return { value: { rate: count / of, count, of } };
}

/** Of numbers in order, at least one. */
function medianOf(sorted: readonly number[]): number {
  const middle = Math.floor(sorted.length / 2);
  const [above = 0, below = 0] = [sorted[middle], sorted[sorted.length % 2 === 0 ? middle - 1 : middle]];
  return Math.round((above + below) / 2);
}
