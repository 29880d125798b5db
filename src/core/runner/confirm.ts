import { fail, ok, type Result } from '../model/result';
import type { Pipeline } from '../model/pipeline';

/** Where a step deploys to where customers are, that has to be meant. */
export async function confirmProduction(
  { steps, release }: Pipeline,
  request: { readonly confirmProduction: (environment: string) => Promise<boolean> },
): Promise<Result<void>> {
  const customers = steps.find(({ deploy }) => deploy !== undefined && deploy === release)?.deploy;
  if (customers === undefined || (await request.confirmProduction(customers))) return ok(undefined);
  return fail('usage', `nothing was delivered: a step of the pipeline deploys to ${customers}, where customers are`, {
    hint: '--yes says that it is meant',
  });
}
