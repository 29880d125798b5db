import { fail, ok, type Result } from '../../model/result';
import type { ComposeConfig, ComposeService } from './config';

/** The compose service that is delivered: the one that is named, else the one named like the service, else the only one that is built. */
export function chooseTarget({ services }: ComposeConfig, service: string, named: string | undefined): Result<ComposeService> {
  const there = services.map(({ name }) => name).join(', ');
  if (named !== undefined) {
    const target = services.find(({ name }) => name === named);
    return target ? ok(target) : fail('usage', `the compose file has no service ${named}`, { hint: `it has ${there}` });
  }
  const built = services.filter(({ build }) => build !== undefined);
  const target = services.find(({ name }) => name === service) ?? (built.length === 1 ? built[0] : undefined);
  if (target) return ok(target);
  return fail('usage', `it is not clear which service of the compose file is ${service}`, {
    hint: `name it in \`compose.service\`: it has ${there}`,
  });
}
