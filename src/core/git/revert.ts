import * as fs from 'node:fs';
import * as path from 'node:path';
import { fail, type Result } from '../model/result';
import { shortCommit } from '../support/format';
import { git } from './git';
import type { Repository } from './repository';

/** Returns a summary of a commit for a confirmation: its subject, files and line counts. */
export async function describeChange(repository: Repository, commit: string): Promise<Result<string>> {
  const options = ['--no-ext-diff', '--no-show-signature', '--stat=80', '--format=%h %s%n%an, %cr'];
  return git({ folder: repository.root }, (client) => client.show([...options, commit, '--']));
}

/** Reverts a commit and returns the new commit. After a conflict, the working copy is as it was before. */
export async function revertChange(repository: Repository, commit: string): Promise<Result<string>> {
  const call = { folder: repository.root };
  const reverted = await git(call, async (client) => {
    await client.revert(commit, ['--no-edit']);
    return client.revparse(['HEAD']);
  });
  if (reverted.ok) return reverted;
  if (fs.existsSync(path.join(repository.gitFolder, 'REVERT_HEAD'))) {
    await git(call, (client) => client.revert('--abort'));
    return fail('usage', `${shortCommit(commit)} cannot be reverted automatically: later changes touch the same lines`, {
      hint: 'revert it with git, or fix the failure in a new commit',
    });
  }
  return reverted;
}
