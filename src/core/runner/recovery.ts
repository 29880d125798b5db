import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileNames } from '../support/files';
import { isVerifiedAndLive, recordedEnvironments } from '../environments/environments';
import { type RepositoryHome, logFile } from '../support/home';
import { endProcesses } from '../process/descendants';
import { Journal } from '../history/journal';
import { tryLock } from '../process/lock';
import { graceMs } from '../process/command';
import { isAlive, currentIdentity } from '../process/process-identity';
import { readRecorded } from '../history/runs';
import { interrupted, isFinished, type RunState } from '../model/run-state';

/** Marks a run as running, so that recovery need not read every journal. */
export function markActive(home: RepositoryHome, run: string): () => void {
  const file = path.join(activeFolder(home), run);
  fs.mkdirSync(activeFolder(home), { recursive: true });
  fs.writeFileSync(file, '');
  return () => fs.rmSync(file, { force: true });
}

/**
 * Ends the processes of runs whose runner was killed, rolls back their unverified releases, and records them as interrupted.
 * Costs little if there are none, so every command starts with it.
 */
export async function recover(home: RepositoryHome): Promise<void> {
  const abandoned = activeRuns(home).filter((run) => isAbandoned(home, run));
  if (abandoned.length === 0) return;
  const lock = tryLock(path.join(home.locks, 'recovery.lock'), currentIdentity());
  if (!lock.ok) return; // another process is recovering them
  try {
    for (const run of abandoned) await close(home, run);
  } finally {
    lock.release();
  }
}

async function close(home: RepositoryHome, run: string): Promise<void> {
  const left = await endProcesses({ run }, graceMs);
  const state = readRecorded(home.run(run));
  if (state && !isFinished(state.outcome)) {
    const end = interrupted(state);
    const journal = new Journal(home.run(run), run);
    if (left !== undefined) journal.append({ type: 'notice', message: left });
    for (const step of end.steps) {
      if (step.state !== 'interrupted') continue;
      const durationMs = lastWrite(home.run(run)) - Date.parse(step.startedAt ?? state.startedAt);
      journal.append({
        type: 'step-finished',
        step: step.name,
        state: 'interrupted',
        durationMs: Math.max(0, durationMs),
        ...logOf(home, run, step.name),
      });
    }
    await rollBackUnverified(home, state, journal);
    journal.append({ type: 'run-finished', outcome: 'interrupted', ...(end.reason !== undefined && { reason: end.reason }) });
    journal.close();
  }
  fs.rmSync(path.join(activeFolder(home), run), { force: true });
}

/** Rolls back the releases that the run deployed and did not verify. */
async function rollBackUnverified(home: RepositoryHome, { id, service, deployments }: RunState, journal: Journal): Promise<void> {
  const reason = 'the runner ended before it was verified';
  const notice = (message: string): unknown => journal.append({ type: 'notice', message });
  for (const { environment, release, previous, state, takenBack } of deployments) {
    // The supervisor of a `process` environment reads the journal and rolls back automatically.
    if (state === 'unverified' && !takenBack && !isVerifiedAndLive(environment, service, id, home.home))
      journal.append({ type: 'rolled-back', environment, from: release, ...(previous && { to: previous }), reason });
  }
  for (const environment of recordedEnvironments(home.home)) {
    const isVerified = deployments.some((one) => one.environment === environment.name && one.state === 'verified');
    const back = await environment.recover(service, id, notice, isVerified);
    if (!back.ok) notice(`${environment.name}: the previous release could not be restored: ${back.failure.message}`);
    else if (back.value) journal.append({ type: 'rolled-back', environment: environment.name, ...back.value, reason });
  }
}

function logOf(home: RepositoryHome, run: string, step: string): { log?: string } {
  const log = logFile(home.run(run), step);
  return fs.existsSync(log) ? { log } : {};
}

/** Returns the time of the last write in the run's folder, the best estimate of the interruption. */
function lastWrite(folder: string): number {
  return Math.max(...fs.readdirSync(folder).map((name) => fs.statSync(path.join(folder, name)).mtimeMs));
}

function isAbandoned(home: RepositoryHome, run: string): boolean {
  const state = readRecorded(home.run(run));
  if (state) return isFinished(state.outcome) || !isAlive(state.runner);
  // The run has no journal yet: its runner is about to write it, or has died.
  const marked = fs.statSync(path.join(activeFolder(home), run), { throwIfNoEntry: false });
  return marked !== undefined && Date.now() - marked.mtimeMs > 60_000;
}

function activeRuns(home: RepositoryHome): string[] {
  return fileNames(activeFolder(home));
}

function activeFolder(home: RepositoryHome): string {
  return path.join(home.folder, 'active');
}
