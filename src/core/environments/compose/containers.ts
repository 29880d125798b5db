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
