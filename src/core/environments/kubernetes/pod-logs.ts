import { ok, type Result } from '../../model/result';
import type { LogOptions } from '../environment';
import type { Kubectl } from './kubectl';
import { selectorText, type Workload } from './objects';

/** More pods than are followed at once would be more than anybody reads. */
const mostPods = 20;

/** What all pods of a workload print, each line with its pod where there are several. */
export async function writeLogs(
  kubectl: Kubectl,
  { kind, spec }: Workload,
  { lines, follow }: LogOptions,
  write: (bytes: Buffer) => void,
  signal: AbortSignal,
): Promise<Result<void>> {
  const line = (text: string): void => write(Buffer.from(`${text}\n`));
  const several = kind === 'DaemonSet' || (spec.replicas ?? 1) > 1 || (spec.template.spec?.containers?.length ?? 1) > 1;
  const args = [
    'logs',
    `--selector=${selectorText(spec.selector)}`,
    '--all-containers=true',
    '--ignore-errors=true',
    `--tail=${lines}`,
    `--max-log-requests=${mostPods}`,
    ...(several ? ['--prefix=true'] : []),
    ...(follow ? ['--follow=true'] : []),
  ];
  const end = await kubectl.run(args, { signal, stdout: line, ...(follow && { endless: true }) });
  if (end.exitCode === 0 || end.ended === 'cancelled') return ok(undefined);
  return kubectl.trouble(end);
}
