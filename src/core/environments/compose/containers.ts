import { createHash } from 'node:crypto';
import { type Observed, type PlatformPlace, releaseFrom } from '../platform';

/** A container as the engine tells it. */
export interface Container {
  readonly id: string;
  readonly name: string;
  /** The image's id. */
  readonly image: string;
  /** ISO 8601. */
  readonly created: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly status: 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';
  /** What its own health check says; absent: it has none. */
  readonly health?: 'starting' | 'healthy' | 'unhealthy';
  /** The last line of that check's last answer. */
  readonly healthOutput?: string;
  readonly exitCode: number;
  /** Why the engine could not start it; empty where it could. */
  readonly error: string;
  readonly isOutOfMemory: boolean;
  readonly restarts: number;
  readonly startedAt: string;
  readonly ports: readonly PortBinding[];
}

export interface PortBinding {
  /** Inside the container. */
  readonly target: number;
  readonly hostIp: string;
  readonly host: number;
}

interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly Image: string;
  readonly Created: string;
  readonly RestartCount?: number;
  readonly Config: { readonly Labels?: Readonly<Record<string, string>> | null };
  readonly State: {
    readonly Status: Container['status'];
    readonly ExitCode: number;
    readonly Error?: string;
    readonly OOMKilled?: boolean;
    readonly StartedAt: string;
    readonly Health?: InspectedHealth;
    /** As older versions of Podman call it. */
    readonly Healthcheck?: InspectedHealth;
  };
  readonly NetworkSettings: {
    readonly Ports?: Readonly<Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[] | null>> | null;
  };
}

interface InspectedHealth {
  readonly Status?: string;
  readonly Log?: readonly { readonly Output?: string }[] | null;
}

/** Reads what the engine's `inspect` printed of containers. */
export function readContainers(text: string): Container[] {
  return (JSON.parse(text) as Inspected[]).map(({ Id, Name, Image, Created, RestartCount, Config, State, NetworkSettings }) => {
    const { Status: health = '', Log } = State.Health ?? State.Healthcheck ?? {};
    const said = Log?.at(-1)?.Output?.trim().split('\n').at(-1);
    return {
      id: Id,
      name: Name.replace(/^\//, ''),
      image: Image,
      created: Created,
      labels: Config.Labels ?? {},
      status: State.Status,
      ...(isHealth(health) && { health }),
      ...(said && { healthOutput: said }),
      exitCode: State.ExitCode,
      error: State.Error ?? '',
      isOutOfMemory: State.OOMKilled ?? false,
      restarts: RestartCount ?? 0,
      startedAt: State.StartedAt,
      ports: Object.entries(NetworkSettings.Ports ?? {}).flatMap(([port, bindings]) =>
        (bindings ?? []).map(({ HostIp, HostPort }) => ({ target: parseInt(port, 10), hostIp: HostIp, host: Number(HostPort) })),
      ),
    };
  });
}

function isHealth(health: string): health is NonNullable<Container['health']> {
  return health === 'starting' || health === 'healthy' || health === 'unhealthy';
}

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
export function observedServices(containers: readonly Container[], urlOf: (container: Container) => string): Observed[] {
  const services = new Set(containers.flatMap(({ labels }) => labels[label.service] ?? []));
  return [...services].sort().flatMap((service) => {
    const own = containers.filter(({ labels }) => labels[label.service] === service);
    const newest = newestContainer(own);
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
export function newestContainer(containers: readonly Container[]): Container | undefined {
  const rank = ({ status, created }: Container): string => `${status === 'running' ? 1 : 0} ${created}`;
  return containers.reduce<Container | undefined>((best, one) => (best && rank(best) >= rank(one) ? best : one), undefined);
}

/** How a container is, in Deliver's words. */
export function healthOf(container: Container): Pick<Observed, 'state' | 'reason'> {
  const { status, health, exitCode, error } = container;
  if (status === 'running' && health === 'unhealthy') return { state: 'unhealthy', reason: healthCheckProblem(container) };
  if (status === 'running') return { state: health === 'starting' ? 'starting' : 'healthy' };
  if (status === 'restarting')
    return { state: 'unhealthy', reason: `it ends with exit code ${exitCode} and is started again, over and over` };
  if (status === 'paused') return { state: 'stopped', reason: 'it is paused' };
  if (status === 'created')
    return { state: 'unhealthy', reason: error === '' ? 'it was never started' : `it could not be started: ${error}` };
  // What a stop ends: by itself, or killed for it.
  if (!container.isOutOfMemory && (exitCode === 0 || exitCode === 137 || exitCode === 143))
    return { state: 'stopped', reason: exitReason(container) };
  return { state: 'unhealthy', reason: exitReason(container) };
}

export function exitReason({ exitCode, isOutOfMemory, error }: Container): string {
  if (isOutOfMemory) return 'it used more memory than it may, and was killed';
  return error === '' ? `it ended with exit code ${exitCode}` : `it could not be started: ${error}`;
}

/** What its own health check said last. */
export function healthCheckProblem({ healthOutput }: Container): string {
  return healthOutput === undefined ? 'its health check fails' : `its health check fails: ${healthOutput}`;
}

/**
 * The compose project of a service in an environment: what it depends on is its own, and runs beside that of other
 * services and of the same one in other environments, also beside what a developer runs from the working copy.
 */
export function projectOf({ environment, service }: Pick<PlatformPlace, 'environment' | 'service'>): string {
  return `deliver_${safeName(environment)}_${safeName(service)}`;
}

/** The network where the services of an environment meet, whichever repository they come from. */
export function networkOf(environment: string): string {
  return `deliver-${safeName(environment)}`;
}

/** A name as engines and compose take it. Different names stay different. */
export function safeName(name: string): string {
  if (/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) return name;
  const simple = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  return `${simple}-${createHash('sha256').update(name).digest('hex').slice(0, 6)}`;
}
