import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Environment, RollbackOptions, RolledBackRelease, WriteLine } from '../environments/environment';
import { fail, type Result } from '../model/result';
import { repositoriesFolder } from '../support/home';
import { Journal, journalName } from '../history/journal';

/** Rolls a service back on request and records it in the journal of the run that delivered the current release. */
export async function rollBackByHand(
  environment: Environment,
  service: string,
  wish: RollbackOptions,
  home: string,
  log?: WriteLine,
): Promise<Result<RolledBackRelease>> {
  // Without an earlier release a rollback would stop the service, which was not requested.
  if (!environment.status().some((one) => one.service === service && one.previous))
    return fail('usage', `${service} has no earlier release in ${environment.name}`, {
      hint: `deliver environment stop ${environment.name} stops the service`,
    });
  const back = await environment.rollBack(service, wish, log);
  if (!back.ok) return back;
  const { from, to } = back.value;
  // The journal is missing if another machine delivered the release.
  const folder = runFolder(home, from.id);
  if (folder === undefined) return back;
  const journal = new Journal(folder, from.id);
  const rollback = { environment: environment.name, from, ...(to && { to }), reason: 'rolled back by hand' };
  journal.append({ type: 'rolled-back', ...rollback, delivered: true, byHand: true });
  journal.close();
  return back;
}

/** Returns the folder of a run in any repository of this user. */
function runFolder(home: string, run: string): string | undefined {
  if (!/^[\w-]+$/.test(run)) return undefined;
  const repositories = repositoriesFolder(home);
  const names = fs.existsSync(repositories) ? fs.readdirSync(repositories) : [];
  return names.map((name) => path.join(repositories, name, 'runs', run)).find((folder) => fs.existsSync(path.join(folder, journalName)));
}
