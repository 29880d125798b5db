import * as fs from 'node:fs';
import * as path from 'node:path';
import { fail, type Result } from '../model/result';
import { git } from './git';
import type { Repository } from './repository';

/** What a revert would undo, for people: its files and how many lines of each. */
export async function describeChange(repository: Repository, commit: string): Promise<Result<string>> {
  const options = ['--no-ext-diff', '--no-show-signature', '--stat=80', '--format=%h %s%n%an, %cr'];
  return git({ folder: repository.root }, (client) => client.show([...options, commit, '--']));
}

/** Makes the commit that undoes another one. Where git cannot, everything is as it was. */
export async function revertChange(repository: Repository, commit: string): Promise<Result<string>> {
  const call = { folder: repository.root };
  const reverted = await git(call, async (client) => {
    await client.revert(commit, ['--no-edit']);
    return client.revparse(['HEAD']);
  });
  if (reverted.ok) return reverted;
  if (fs.existsSync(path.join(repository.gitFolder, 'REVERT_HEAD'))) {
    await git(call, (client) => client.revert('--abort'));
    return fail('usage', `${commit.slice(0, 8)} cannot be reverted by itself: later changes touch the same lines`, {
      hint: 'git revert it by hand, or mend the failure forward',
    });
  }
  return reverted;
}
