import * as path from 'node:path';
import { git } from '../git/git';
import { valueOf } from '../model/result';
import { isEmbedded } from '../environments/registry';
import type { Repository } from '../git/repository';
import type { Tokens } from '../model/tokens';
import type { Pipeline } from '../model/pipeline';
import type { Deployed, Release, RolledBack, RunEvent } from '../model/events';
import { journalName, readEvents, type Journal } from '../history/journal';
import type { DeploymentRecord } from './ci-client';

/** The service of the deployments, and where to report failures. */
export interface DeploymentReport {
  readonly repository: Repository;
  readonly pipeline: Pipeline;
  /** The service's folder relative to the root. */
  readonly folder: string;
  readonly tokens: Tokens;
  readonly notice: (message: string) => void;
}

/** In total: the delivery is done, and a person waits for its end. */
const timeoutMs = 10_000;

/**
 * Records the deployments of a local run on the team's CI service, if that keeps records. A failure becomes a notice: the delivery stands.
 */
export async function reportDeployments(journal: Journal, report: Omit<DeploymentReport, 'notice'>): Promise<void> {
  const deployments = deploymentsIn(readEvents(path.join(journal.folder, journalName)), report.pipeline);
  await record(deployments, { ...report, notice: (message) => void journal.append({ type: 'notice', message }) });
}

/** Records a manual rollback; `url` is the address of the release that is live again. */
export async function reportRollback(
  back: Pick<RolledBack, 'environment' | 'from' | 'to'> & { url: string },
  report: DeploymentReport,
): Promise<void> {
  await record(rollbackRecords(back, back.url), report);
}

async function record(all: readonly DeploymentRecord[], report: DeploymentReport): Promise<void> {
  const { pipeline, repository, folder, tokens, notice } = report;
  const { engine: definition, environments } = pipeline;
  // An embedded environment belongs to this machine.
  const deployments = all.filter(({ environment }) => {
    const kind = environments[environment]?.kind;
    return kind !== undefined && !isEmbedded(kind);
  });
  const [first] = deployments;
  if (!definition || !first) return;
  const missing = (environment: string, host: string, why: string): void =>
    notice(`the deployment to ${environment} was not recorded on ${host}: ${why}`);
  const surroundings = { repository, services: [{ folder, pipeline }], tokens, proxy: 'environment' } as const;
  const { connectToCi } = await import('./connect');
  const opened = await connectToCi(pipeline, undefined, surroundings);
  if (!opened.ok) return missing(first.environment, definition.kind, opened.failure.message);
  const { engine: client, remote } = opened.value;
  if (!client.reportDeployment) return;
  const signal = AbortSignal.timeout(timeoutMs);
  for (const deployment of deployments) {
    const { environment, commit } = deployment;
    if (!(await isPushed(repository, remote, commit))) {
      missing(environment, client.label, `the commit ${commit.slice(0, 7)} was not pushed`);
      continue;
    }
    const answer = await client.reportDeployment(deployment, signal);
    if (answer.state === 'failed')
      missing(environment, client.label, signal.aborted ? `it did not answer within ${timeoutMs / 1000} s` : answer.message);
    if (signal.aborted) return;
  }
}

/** Returns whether a known remote branch contains the commit. Pushes from elsewhere are known after a fetch. */
async function isPushed({ root }: Repository, remote: string, commit: string): Promise<boolean> {
  const at = valueOf(
    await git({ folder: root }, (client) => client.raw(['for-each-ref', '--count=1', '--contains', commit, `refs/remotes/${remote}/`])),
  );
  return at !== undefined && at.trim() !== '';
}

/** Returns the deployments of a run. After a rollback the release before is live again and comes last, because the newest record counts. */
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
      if (deployed) found.push(...rollbackRecords(event, deployed.url));
    } else if (event.type === 'step-finished' && event.state === 'failed' && tried.has(event.step)) {
      const environment = steps.find(({ name }) => name === event.step)?.deploy;
      if (environment !== undefined && !live.has(environment)) found.push({ environment, commit, subject, url: '', state: 'failed' });
    }
  }
  for (const { environment, url, release } of live.values()) found.push({ ...recordOf(environment, release), url, state: 'live' });
  return found;
}

function rollbackRecords({ environment, from, to }: Pick<RolledBack, 'environment' | 'from' | 'to'>, url: string): DeploymentRecord[] {
  const gone: DeploymentRecord = { ...recordOf(environment, from), url: '', state: 'gone' };
  return to ? [gone, { ...recordOf(environment, to), url, state: 'live' }] : [gone];
}

function recordOf(environment: string, { commit, subject = '' }: Release): Pick<DeploymentRecord, 'environment' | 'commit' | 'subject'> {
  return { environment, commit, subject };
}
