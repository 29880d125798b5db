import { createHash } from 'node:crypto';
import type { PlatformPlace } from '../platform';

/**
 * The compose project of a service in an environment: what it depends on is its own, and runs beside that of other
 * services and of the same one in other environments, also beside what a developer runs from the working copy.
 */
export function projectOf({ environment, service }: Pick<PlatformPlace, 'environment' | 'service'>): string {
  return `deliver_${plain(environment)}_${plain(service)}`;
}

/** The network where the services of an environment meet, whichever repository they come from. */
export function networkOf(environment: string): string {
  return `deliver-${plain(environment)}`;
}

/** A name as engines and compose take it. Different names stay different. */
export function plain(name: string): string {
  if (/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) return name;
  const simple = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  return `${simple}-${createHash('sha256').update(name).digest('hex').slice(0, 6)}`;
}
