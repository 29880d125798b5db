import * as fs from 'node:fs';
import * as path from 'node:path';

/** What git is in the middle of: what `HEAD` is then, nobody meant to keep. */
export type Operation = 'rebase' | 'merge' | 'cherry-pick' | 'revert' | 'bisect' | 'am';

/** What goes on in a working copy, as its own git folder tells it: without calling git. */
export function gitOperation(gitFolder: string): Operation | undefined {
  const has = (name: string): boolean => fs.existsSync(path.join(gitFolder, name));
  if (has('rebase-merge')) return 'rebase';
  if (has('rebase-apply')) return has('rebase-apply/applying') ? 'am' : 'rebase';
  if (has('MERGE_HEAD')) return 'merge';
  if (has('CHERRY_PICK_HEAD')) return 'cherry-pick';
  if (has('REVERT_HEAD')) return 'revert';
  if (has('sequencer/todo')) return picksIn(path.join(gitFolder, 'sequencer/todo'));
  return has('BISECT_LOG') ? 'bisect' : undefined;
}

/** Between two of several commits only the list of what is left tells. */
function picksIn(todo: string): Operation | undefined {
  try {
    return fs.readFileSync(todo, 'utf8').startsWith('revert') ? 'revert' : 'cherry-pick';
  } catch {
    return undefined; // it has just ended
  }
}
