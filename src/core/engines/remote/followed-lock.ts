import * as path from 'node:path';
import type { RepositoryHome } from '../../home';
import { tryLock, type LockAttempt } from '../../run/lock';
import { ownIdentity } from '../../run/process-identity';

/** Of all processes of this machine one follows a run on a CI service. */
export function followedLock(home: RepositoryHome, engine: string, id: string, run: string): LockAttempt {
  return tryLock(path.join(home.locks, `${engine}-${id.replace(/[^\w.-]+/g, '_')}.lock`), { ...ownIdentity(), run });
}
