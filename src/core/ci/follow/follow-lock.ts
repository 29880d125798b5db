import * as path from 'node:path';
import type { RepositoryHome } from '../../support/home';
import { tryLock, type LockAttempt } from '../../process/lock';
import { currentIdentity } from '../../process/process-identity';

/**
 * Of all processes of this machine one tells the journal of a run on a CI service. The id of the run there may be that of others, too:
 * of each service of a repository on GitLab, of a build with the same number of another job of Jenkins.
 */
export function followedLock(home: RepositoryHome, run: string): LockAttempt {
  return tryLock(path.join(home.locks, `followed-${run}.lock`), { ...currentIdentity(), run });
}
