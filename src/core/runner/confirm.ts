import { fail, ok, type Result } from '../model/result';
import type { Pipeline } from '../model/pipeline';

/** Asks for a confirmation if a step deploys to the `release` environment. Fails if it is declined. */
export async function confirmProduction(
  { steps, release }: Pipeline,
  request: { readonly confirmProduction: (environment: string) => Promise<boolean> },
): Promise<Result<void>> {
  const customers = steps.find(({ deploy }) => deploy !== undefined && deploy === release)?.deploy;
  if (customers === undefined || (await request.confirmProduction(customers))) return ok(undefined);
  return fail('usage', `nothing was delivered: the pipeline deploys to the production environment ${customers}`, {
    hint: '--yes confirms it',
  });
}
