import { releaseFrom, type Observed } from '../platform';
import type { Container } from './containers';

/** What containers that Deliver started are known by, on every machine and to every user of an engine. */
export const label = {
  environment: 'dev.deliver.environment',
  service: 'dev.deliver.service',
  /** The release, as JSON. */
  release: 'dev.deliver.release',
  /** The port that the service answers on, inside its container. */
  port: 'dev.deliver.port',
} as const;

/** What the containers of an environment say of its services. `urlOf` is where a container answers, from outside. */
export function observedIn(containers: readonly Container[], urlOf: (container: Container) => string): Observed[] {
  const services = new Set(containers.flatMap(({ labels }) => labels[label.service] ?? []));
  return [...services].sort().flatMap((service) => {
    const own = containers.filter(({ labels }) => labels[label.service] === service);
    const newest = newestOf(own);
    if (!newest) return [];
    // Of several containers of one release, the worst tells how it is.
    const peers = own.filter(({ labels }) => labels[label.release] === newest.labels[label.release]);
    const states = peers.map((container) => ({ container, ...healthOf(container) }));
    const worst = worstFirst.flatMap((state) => states.find((one) => one.state === state) ?? [])[0];
    if (!worst) return [];
    const { state, reason } = worst;
    const release = releaseFrom(newest.labels[label.release]);
    const url = urlOf(newest);
    return [{ service, state, ...(reason !== undefined && { reason }), ...(url !== '' && { url }), ...(release && { release }) }];
  });
}

const worstFirst = ['unhealthy', 'starting', 'stopped', 'healthy'] as const;

/** What runs is live; of what does not, what was made last. */
export function newestOf(containers: readonly Container[]): Container | undefined {
  const rank = ({ status, created }: Container): string => `${status === 'running' ? 1 : 0} ${created}`;
  return containers.reduce<Container | undefined>((best, one) => (best && rank(best) >= rank(one) ? best : one), undefined);
}

/** How a container is, in Deliver's words. */
export function healthOf(container: Container): Pick<Observed, 'state' | 'reason'> {
  const { status, health, exitCode, error } = container;
  if (status === 'running' && health === 'unhealthy') return { state: 'unhealthy', reason: whySick(container) };
  if (status === 'running') return { state: health === 'starting' ? 'starting' : 'healthy' };
  if (status === 'restarting')
    return { state: 'unhealthy', reason: `it ends with exit code ${exitCode} and is started again, over and over` };
  if (status === 'paused') return { state: 'stopped', reason: 'it is paused' };
  if (status === 'created')
    return { state: 'unhealthy', reason: error === '' ? 'it was never started' : `it could not be started: ${error}` };
  // What a stop ends: by itself, or killed for it.
  if (!container.isOutOfMemory && (exitCode === 0 || exitCode === 137 || exitCode === 143))
    return { state: 'stopped', reason: whyEnded(container) };
  return { state: 'unhealthy', reason: whyEnded(container) };
}

export function whyEnded({ exitCode, isOutOfMemory, error }: Container): string {
  if (isOutOfMemory) return 'it used more memory than it may, and was killed';
  return error === '' ? `it ended with exit code ${exitCode}` : `it could not be started: ${error}`;
}

/** What its own health check said last. */
export function whySick({ healthOutput }: Container): string {
  return healthOutput === undefined ? 'its health check fails' : `its health check fails: ${healthOutput}`;
}
