import { userInfo } from 'node:os';
import { gitOrUndefined } from './git';
import type { Repository } from './repository';

/** Who delivers from a repository: the name that their commits carry, else the one of their account. */
export async function deliverer(repository: Repository): Promise<string> {
  const name = await gitOrUndefined(['config', 'user.name'], { folder: repository.root });
  return name?.trim() || accountName();
}

function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'somebody'; // an account without a name, as in some containers
  }
}
