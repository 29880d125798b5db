import * as path from 'node:path';
import { gitOrUndefined } from '../git/git';
import { isEmbedded } from '../environments/registry';
import type { Repository } from '../git/repository';
import type { Tokens } from '../model/tokens';
import type { Pipeline } from '../model/pipeline';
import type { Deployed, Release, RolledBack, RunEvent } from '../model/events';
import { journalName, readEvents, type Journal } from '../history/journal';
import type { DeploymentRecord } from './ci-client';

/** Whose deployments they are, and who hears what could not be recorded. */
export interface DeploymentReport {
  readonly repository: Repository;
  readonly pipeline: Pipeline;
  /** The service's folder relative to the root. */
  readonly folder: string;
  readonly tokens: Tokens;
  readonly notice: (message: string) => void;
}

/** For all of it together: the delivery is done, and somebody waits for its end. */
const longestMs = 10_000;

/**
 * Records what a run on this machine deployed at the CI service of the team, where that keeps such a record. What cannot be recorded is
 * a notice of the run: the delivery is what it is.
 */
export async function reportDeployments(journal: Journal, given: Omit<DeploymentReport, 'notice'>): Promise<void> {
  const deployments = deploymentsIn(readEvents(path.join(journal.folder, journalName)), given.pipeline);
  await tell(deployments, { ...given, notice: (message) => void journal.append({ type: 'notice', message }) });
}

/** The same for what a person took back; `url`: where the release answers that is live again. */
export async function reportRollback(
  back: Pick<RolledBack, 'environment' | 'from' | 'to'> & { url: string },
  given: DeploymentReport,
): Promise<void> {
  await tell(takenBack(back, back.url), given);
}

async function tell(all: readonly DeploymentRecord[], given: DeploymentReport): Promise<void> {
  const { pipeline, repository, folder, tokens, notice } = given;
  const { engine: definition, environments } = pipeline;
  // An embedded environment belongs to this machine.
  const deployments = all.filter(({ environment }) => {
    const kind = environments[environment]?.kind;
    return kind !== undefined && !isEmbedded(kind);
  });
  const [first] = deployments;
  if (!definition || !first) return;
  const missing = (environment: string, at: string, why: string): void =>
    notice(`the deployment to ${environment} is not on record at ${at}: ${why}`);
  const around = { repository, services: [{ folder, pipeline }], tokens, proxy: 'environment' } as const;
  const { connectToCi } = await import('./connect');
  const opened = await connectToCi(pipeline, undefined, around);
  if (!opened.ok) return missing(first.environment, definition.kind, opened.failure.message);
  const { engine, remote } = opened.value;
  if (!engine.reportDeployment) return;
  const signal = AbortSignal.timeout(longestMs);
  for (const deployment of deployments) {
    const { environment, commit } = deployment;
    if (!(await isPushed(repository, remote, commit))) {
      missing(environment, engine.label, `the commit ${commit.slice(0, 8)} was not pushed`);
      continue;
    }
    const told = await engine.reportDeployment(deployment, signal);
    if (told.state === 'failed')
      missing(environment, engine.label, signal.aborted ? `it did not answer within ${longestMs / 1000} s` : told.message);
    if (signal.aborted) return;
  }
}

/** As far as this repository knows: what was pushed from elsewhere is known after a fetch. */
async function isPushed({ root }: Repository, remote: string, commit: string): Promise<boolean> {
  const at = await gitOrUndefined(['for-each-ref', '--count=1', '--contains', commit, `refs/remotes/${remote}/`], { folder: root });
  return at !== undefined && at.trim() !== '';
}

/** Where one was taken back, the release before it is live again, and is told after it: the newest counts. */
function deploymentsIn(events: readonly RunEvent[], { steps }: Pipeline): DeploymentRecord[] {
  const began = events.find((event) => event.type === 'run-started');
  if (!began) return [];
  const { commit, subject } = began.change;
  const live = new Map<string, Deployed>();
  const found: DeploymentRecord[] = [];
  const tried = new Set<string>();
  for (const event of events) {
    if (event.type === 'step-started') tried.add(event.step);
    else if (event.type === 'deployed') live.set(event.environment, event);
    else if (event.type === 'rolled-back') {
      const deployed = live.get(event.environment);
      live.delete(event.environment);
      if (deployed) found.push(...takenBack(event, deployed.url));
    } else if (event.type === 'step-finished' && event.state === 'failed' && tried.has(event.step)) {
      const environment = steps.find(({ name }) => name === event.step)?.deploy;
      if (environment !== undefined && !live.has(environment)) found.push({ environment, commit, subject, url: '', state: 'failed' });
    }
  }
  for (const { environment, url, release } of live.values()) found.push({ ...about(environment, release), url, state: 'live' });
  return found;
}

function takenBack({ environment, from, to }: Pick<RolledBack, 'environment' | 'from' | 'to'>, url: string): DeploymentRecord[] {
  const gone: DeploymentRecord = { ...about(environment, from), url: '', state: 'gone' };
  return to ? [gone, { ...about(environment, to), url, state: 'live' }] : [gone];
}

function about(environment: string, { commit, subject = '' }: Release): Pick<DeploymentRecord, 'environment' | 'commit' | 'subject'> {
  return { environment, commit, subject };
}
