import { userInfo } from 'node:os';
import { valueOf } from '../model/result';
import { git } from './git';
import type { Repository } from './repository';

/** Who delivers from a repository: the name that their commits carry, else the one of their account. */
export async function deliverer(repository: Repository): Promise<string> {
  const name = valueOf(await git({ folder: repository.root }, (client) => client.getConfig('user.name')));
  return name?.value?.trim() || accountName();
}

function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'somebody'; // an account without a name, as in some containers
  }
}
