import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Environment, RollbackOptions, RolledBackRelease, WriteLine } from '../environments/environment';
import { fail, type Result } from '../model/result';
import { repositoriesFolder } from '../support/home';
import { Journal, journalName } from '../history/journal';

/** Rolls a service back because a person wants it, and tells it in the journal of the run that had delivered what goes. */
export async function rollBackByHand(
  environment: Environment,
  service: string,
  wish: RollbackOptions,
  home: string,
  log?: WriteLine,
): Promise<Result<RolledBackRelease>> {
  // A person who wants the release before gets that or nothing: without one, customers keep what they have.
  if (!environment.status().some((one) => one.service === service && one.previous))
    return fail('usage', `${service} has no earlier release in ${environment.name}`, {
      hint: `deliver environment stop ${environment.name} ends what is live there`,
    });
  const back = await environment.rollBack(service, wish, log);
  if (!back.ok) return back;
  const { from, to } = back.value;
  // The environment may be shared with other repositories, or it was delivered elsewhere: then no journal is here.
  const folder = runFolder(home, from.id);
  if (folder === undefined) return back;
  const journal = new Journal(folder, from.id);
  const told = { environment: environment.name, from, ...(to && { to }), reason: 'rolled back by hand' };
  journal.append({ type: 'rolled-back', ...told, delivered: true, byHand: true });
  journal.close();
  return back;
}

/** The folder of a run of any repository of the user. */
function runFolder(home: string, run: string): string | undefined {
  if (!/^[\w-]+$/.test(run)) return undefined;
  const repositories = repositoriesFolder(home);
  const names = fs.existsSync(repositories) ? fs.readdirSync(repositories) : [];
  return names.map((name) => path.join(repositories, name, 'runs', run)).find((folder) => fs.existsSync(path.join(folder, journalName)));
}
