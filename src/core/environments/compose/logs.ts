import { fail, ok, type Result } from '../../model/result';
import { pause } from '../../support/pause';
import type { LogOptions } from '../environment';
import type { PlatformPlace } from '../platform';
import { type Container, label } from './containers';
import type { ContainerEngine } from './engine';

/** The interval for finding the container that replaced another one. */
const pollIntervalMs = 500;

/**
 * Writes the last lines of the live container. With `follow` it continues until the signal aborts, also with the containers that
 * replace it.
 */
export async function writeLogs(
  engine: ContainerEngine,
  { environment, service }: PlatformPlace,
  { lines, follow }: LogOptions,
  write: (bytes: Buffer) => void,
  signal: AbortSignal,
): Promise<Result<void>> {
  const writeLine = (line: string): void => write(Buffer.from(`${line}\n`));
  const live = async (): Promise<Result<Container | undefined>> => {
    const all = await engine.containers({ [label.environment]: environment, [label.service]: service }, signal);
    return all.ok
      ? ok(
          all.value.reduce<Container | undefined>(
            (best, container) => (best && best.created > container.created ? best : container),
            undefined,
          ),
        )
      : all;
  };
  const first = await live();
  if (!first.ok) return signal.aborted ? ok(undefined) : first;
  if (!first.value) return fail('usage', `${service} has no container in ${environment}`, { hint: 'deliver it first: deliver run' });
  await engine.stream(['logs', '--tail', String(lines), ...(follow ? ['--follow'] : []), first.value.id], signal, writeLine);
  for (let shown = first.value; follow && !signal.aborted;) {
    await pause(pollIntervalMs);
    const next = await live();
    if (!next.ok || !next.value) continue;
    const isSame = next.value.id === shown.id && next.value.startedAt === shown.startedAt;
    if (isSame || next.value.status !== 'running') continue;
    const since = next.value.id === shown.id ? ['--since', next.value.startedAt] : [];
    shown = next.value;
    await engine.stream(['logs', '--follow', ...since, shown.id], signal, writeLine);
  }
  return ok(undefined);
}
