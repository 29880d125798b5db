import * as fs from 'node:fs';
import * as path from 'node:path';
import { isVerifiedAndLive, recordedEnvironments } from '../environments/environments';
import type { RepositoryHome } from '../support/home';
import { endProcesses } from '../process/descendants';
import { Journal } from '../history/journal';
import { tryLock } from '../process/lock';
import { logFile } from '../support/log-file';
import { graceMs } from '../process/command';
import { isAlive, ownIdentity } from '../process/process-identity';
import { readRecorded } from '../history/runs';
import { interrupted, isFinished, type RunState } from '../model/run-state';

/** Marks a run as going on, so that recovery need not read every journal. */
export function markActive(home: RepositoryHome, run: string): () => void {
  const file = path.join(activeFolder(home), run);
  fs.mkdirSync(activeFolder(home), { recursive: true });
  fs.writeFileSync(file, '');
  return () => fs.rmSync(file, { force: true });
}

/**
 * Ends what runs left behind whose runner was killed, and records them as interrupted. Cheap where
 * there is nothing to do, so every command begins with it.
 */
export async function recover(home: RepositoryHome): Promise<void> {
  const abandoned = activeRuns(home).filter((run) => isAbandoned(home, run));
  if (abandoned.length === 0) return;
  const lock = tryLock(path.join(home.locks, 'recovery.lock'), ownIdentity());
  if (!lock.ok) return; // another process is at it
  try {
    for (const run of abandoned) await close(home, run);
  } finally {
    lock.release();
  }
}

async function close(home: RepositoryHome, run: string): Promise<void> {
  await endProcesses({ run }, graceMs);
  const state = readRecorded(home.run(run));
  if (state && !isFinished(state.outcome)) {
    const end = interrupted(state);
    const journal = new Journal(home.run(run), run);
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
    await takeBack(home, state, journal);
    journal.append({ type: 'run-finished', outcome: 'interrupted', ...(end.reason !== undefined && { reason: end.reason }) });
    journal.close();
  }
  fs.rmSync(path.join(activeFolder(home), run), { force: true });
}

/** What it had deployed, and nobody verified, is not left with customers. */
async function takeBack(home: RepositoryHome, { id, service, deployments }: RunState, journal: Journal): Promise<void> {
  const reason = 'the runner ended before it was verified';
  const say = (message: string): unknown => journal.append({ type: 'notice', message });
  for (const { environment, release, previous, state, takenBack } of deployments) {
    // A supervisor of the embedded kind does so by itself.
    if (state === 'unverified' && !takenBack && !isVerifiedAndLive(environment, service, id, home.home))
      journal.append({ type: 'rolled-back', environment, from: release, ...(previous && { to: previous }), reason });
  }
  for (const environment of recordedEnvironments(home.home)) {
    const back = await environment.recover(service, id, say);
    if (!back.ok) say(`${environment.name}: what was live before could not be brought back: ${back.failure.message}`);
    else if (back.value) journal.append({ type: 'rolled-back', environment: environment.name, ...back.value, reason });
  }
}

function logOf(home: RepositoryHome, run: string, step: string): { log?: string } {
  const log = logFile(home.run(run), step);
  return fs.existsSync(log) ? { log } : {};
}

/** When anything was last written of the run: as near as can be known to when it was interrupted. */
function lastWrite(folder: string): number {
  return Math.max(...fs.readdirSync(folder).map((name) => fs.statSync(path.join(folder, name)).mtimeMs));
}

function isAbandoned(home: RepositoryHome, run: string): boolean {
  const state = readRecorded(home.run(run));
  if (state) return isFinished(state.outcome) || !isAlive(state.runner);
  // Marked but not begun: its runner writes the journal at once, or died before it could.
  const marked = fs.statSync(path.join(activeFolder(home), run), { throwIfNoEntry: false });
  return marked !== undefined && Date.now() - marked.mtimeMs > 60_000;
}

function activeRuns(home: RepositoryHome): string[] {
  try {
    return fs.readdirSync(activeFolder(home));
  } catch {
    return [];
  }
}

function activeFolder(home: RepositoryHome): string {
  return path.join(home.folder, 'active');
}
