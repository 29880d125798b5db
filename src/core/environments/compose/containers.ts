import { createHash } from 'node:crypto';
import { type Observed, type PlatformPlace, releaseFrom } from '../platform';

/** A container as the engine reports it. */
export interface Container {
  readonly id: string;
  readonly name: string;
  /** The id of its image. */
  readonly image: string;
  /** ISO 8601. */
  readonly created: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly status: 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';
  /** The status of its own health check; absent: it has none. */
  readonly health?: 'starting' | 'healthy' | 'unhealthy';
  /** The last line of the last output of that check. */
  readonly healthOutput?: string;
  readonly exitCode: number;
  /** The reason why the engine could not start it, or an empty string. */
  readonly error: string;
  readonly isOutOfMemory: boolean;
  readonly restarts: number;
  readonly startedAt: string;
  readonly ports: readonly PortBinding[];
}

export interface PortBinding {
  /** The port in the container. */
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
    /** The name in older versions of Podman. */
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

/** Reads the output of the engine's `inspect` for containers. */
export function readContainers(text: string): Container[] {
  return (JSON.parse(text) as Inspected[]).map(({ Id, Name, Image, Created, RestartCount, Config, State, NetworkSettings }) => {
    const { Status: health = '', Log } = State.Health ?? State.Healthcheck ?? {};
    const output = Log?.at(-1)?.Output?.trim().split('\n').at(-1);
    return {
      id: Id,
      name: Name.replace(/^\//, ''),
      image: Image,
      created: Created,
      labels: Config.Labels ?? {},
      status: State.Status,
      health: isHealth(health) ? health : undefined,
      healthOutput: output || undefined,
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

/** The labels of containers that Deliver started. They are valid on every machine and for every user of an engine. */
export const label = {
  environment: 'dev.deliver.environment',
  service: 'dev.deliver.service',
  /** The release as JSON. */
  release: 'dev.deliver.release',
  /** The service's port in its container. */
  port: 'dev.deliver.port',
} as const;

/** Returns the services of an environment from its containers. `urlOf` returns the address of a container on the host. */
export function observedServices(containers: readonly Container[], urlOf: (container: Container) => string): Observed[] {
  const services = new Set(containers.flatMap(({ labels }) => labels[label.service] ?? []));
  return [...services].sort().flatMap((service) => {
    const present = containers.filter(({ labels }) => labels[label.service] === service);
    const newest = newestContainer(present);
    if (!newest) return [];
    // The worst of several containers of a release determines the status.
    const peers = present.filter(({ labels }) => labels[label.release] === newest.labels[label.release]);
    const states = peers.map((container) => ({ container, ...healthOf(container) }));
    const worst = worstFirst.flatMap((state) => states.find((candidate) => candidate.state === state) ?? [])[0];
    if (!worst) return [];
    const { state, reason } = worst;
    const release = releaseFrom(newest.labels[label.release]);
    const url = urlOf(newest);
    return [{ service, state, reason, url: url || undefined, release }];
  });
}

const worstFirst = ['unhealthy', 'starting', 'stopped', 'healthy'] as const;

/** Returns the newest running container, else the newest one. */
export function newestContainer(containers: readonly Container[]): Container | undefined {
  const rank = ({ status, created }: Container): string => `${status === 'running' ? 1 : 0} ${created}`;
  return containers.reduce<Container | undefined>(
    (best, candidate) => (best && rank(best) >= rank(candidate) ? best : candidate),
    undefined,
  );
}

/** Returns the status of a container, and the reason if it is not healthy. */
export function healthOf(container: Container): Pick<Observed, 'state' | 'reason'> {
  const { status, health, exitCode, error } = container;
  if (status === 'running' && health === 'unhealthy') return { state: 'unhealthy', reason: healthCheckProblem(container) };
  if (status === 'running') return { state: health === 'starting' ? 'starting' : 'healthy' };
  if (status === 'restarting') return { state: 'unhealthy', reason: `it keeps restarting: it ends with exit code ${exitCode}` };
  if (status === 'paused') return { state: 'stopped', reason: 'it is paused' };
  if (status === 'created')
    return { state: 'unhealthy', reason: error === '' ? 'it was never started' : `it could not be started: ${error}` };
  // The exit codes of a stopped container: ended normally, by SIGKILL, or by SIGTERM.
  if (!container.isOutOfMemory && (exitCode === 0 || exitCode === 137 || exitCode === 143))
    return { state: 'stopped', reason: exitReason(container) };
  return { state: 'unhealthy', reason: exitReason(container) };
}

export function exitReason({ exitCode, isOutOfMemory, error }: Container): string {
  if (isOutOfMemory) return 'it exceeded its memory limit and was killed';
  return error === '' ? `it ended with exit code ${exitCode}` : `it could not be started: ${error}`;
}

/** Returns the last output of the container's own health check. */
export function healthCheckProblem({ healthOutput }: Container): string {
  return healthOutput === undefined ? 'its health check fails' : `its health check fails: ${healthOutput}`;
}

/**
 * Returns the compose project of a service in an environment. Its dependencies run beside those of other services and environments,
 * and beside a developer's own containers.
 */
export function projectOf({ environment, service }: Pick<PlatformPlace, 'environment' | 'service'>): string {
  return `deliver_${safeName(environment)}_${safeName(service)}`;
}

/** Returns the network that connects the services of an environment, from all repositories. */
export function networkOf(environment: string): string {
  return `deliver-${safeName(environment)}`;
}

/** Returns a name that engines and compose accept. Different names stay different. */
export function safeName(name: string): string {
  if (/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) return name;
  const simple = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  return `${simple}-${createHash('sha256').update(name).digest('hex').slice(0, 6)}`;
}
