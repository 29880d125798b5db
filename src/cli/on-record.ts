import { readServices } from '../core/pipeline/read-pipeline';
import type { reportRollback } from '../core/ci/report-deployments';
import { environmentTokens } from '../core/pipeline/environment-tokens';
import { openContext } from './context';

/** Records a rollback at the team's CI service if the service belongs to this repository. `notice` receives failures. */
export async function onRecord(
  service: string,
  back: Parameters<typeof reportRollback>[0],
  notice: (message: string) => void,
): Promise<void> {
  const context = await openContext();
  if (!context.ok) return;
  const { repository } = context.value;
  const services = await readServices(repository.root);
  const own = services.ok ? services.value.find(({ pipeline }) => pipeline.service === service) : undefined;
  if (!own?.pipeline.engine) return;
  const { reportRollback: report } = await import('../core/ci/report-deployments');
  await report(back, { ...own, repository, tokens: environmentTokens(process.env), notice });
}
