import type { Release } from '../../model/events';
import type { ServiceStatus } from '../../model/environment-status';
import type { ServiceRecord, ServiceRecords } from './service-record';

/** What is known of the services of an environment: what was delivered from here, and what it said itself when it was last asked. */
export function recordedStatus(records: ServiceRecords): ServiceStatus[] {
  const observation = records.observation();
  const observed = new Map(observation?.services.map((status) => [status.service, status]));
  const own = records.services().flatMap((service) => statusOf(service, records, observed.get(service), observation?.at) ?? []);
  const known = new Set(own.map(({ service }) => service));
  const others = [...observed.values()].filter(({ service }) => !known.has(service)).map((status) => seen(status, observation?.at));
  return [...own, ...others].sort((a, b) => (a.service < b.service ? -1 : 1));
}

function statusOf(
  service: string,
  records: ServiceRecords,
  observed: ServiceStatus | undefined,
  at: string | undefined,
): ServiceStatus | undefined {
  let record: ServiceRecord | undefined;
  try {
    record = records.read(service);
  } catch {
    const reason = 'what was written down of it cannot be read: the next delivery begins it anew';
    return observed ? { ...seen(observed, at), reason } : { service, state: 'stopped', url: '', reason };
  }
  const { current, earlier = [], url = '', stopped } = record ?? {};
  if (!record || (!current && earlier.length === 0 && !observed)) return undefined;
  // What was deployed since it was last asked is known better here.
  const isNewer = observed && at !== undefined && (!current || at > current.release.deployedAt);
  if (observed?.release && isNewer && observed.release.id !== current?.release.id) return seen(observed, at);
  const releases = earlier.map((kept): Release => kept.release);
  const health: Pick<ServiceStatus, 'state' | 'reason'> = stopped
    ? { state: 'stopped', reason: 'it was stopped' }
    : isNewer
      ? { state: observed.state, ...(observed.reason !== undefined && { reason: observed.reason }) }
      : { state: current ? 'healthy' : 'stopped' };
  return {
    service,
    ...health,
    url: (isNewer && observed.url) || url,
    ...(current && { release: current.release, artifact: artifactOf(current) }),
    ...(releases[0] && { previous: releases[0], earlier: releases }),
    ...(isNewer && { observedAt: at }),
  };
}

function artifactOf({ slot, folder, image }: NonNullable<ServiceRecord['current']>): NonNullable<ServiceStatus['artifact']> {
  return { slot, folder, ...(image !== undefined && { image }) };
}

function seen(status: ServiceStatus, at: string | undefined): ServiceStatus {
  return { ...status, ...(at !== undefined && { observedAt: at }) };
}
