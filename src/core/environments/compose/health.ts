import * as net from 'node:net';
import type { HealthDefinition } from '../../model/pipeline';
import { ok, type Result } from '../../model/result';
import { pause } from '../../support/pause';
import { type Address, probe } from '../process/health';
import { type Container, exitReason, healthCheckProblem } from './containers';
import type { ContainerEngine } from './engine';

const pollIntervalMs = 100;
/** The time that a container without a health check must run to count as healthy. It grows with each restart. */
const stableAfterMs = 1_000;
/** The number of restarts after which the start counts as failed. */
const maxRestarts = 3;
/** The limit for containers whose definition sets no timeout. */
const defaultTimeoutMs = 10 * 60_000;
/** A published port always accepts connections. If nothing listens in the container, it closes them within this time. */
const stayOpenMs = 300;

export interface HealthOptions {
  /** Absent: the container's own health check, and without one that it keeps running. */
  readonly health?: HealthDefinition;
  /** The address of the service on the host. */
  readonly url: string;
  /** For a health command. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Waits until containers are healthy. Resolves with undefined, or with the reason why they will not become healthy. */
export async function waitUntilHealthy(
  engine: ContainerEngine,
  started: readonly Container[],
  options: HealthOptions,
  signal: AbortSignal,
): Promise<string | undefined> {
  const began = Date.now();
  const limitMs = options.health?.timeoutMs ?? defaultTimeoutMs;
  const ids = started.map(({ id }) => id);
  for (let containers: Result<readonly Container[]> = ok(started); ; containers = await engine.inspect(ids, signal)) {
    if (signal.aborted) return 'cancelled';
    if (!containers.ok) return containers.failure.message;
    if (containers.value.length < ids.length) return 'its container was removed';
    const waiting = await findProblem(containers.value, options, Date.now() - began);
    if (waiting === undefined) return undefined;
    if (waiting.isFinal) return waiting.message;
    if (Date.now() - began > limitMs) return `${waiting.message} (after ${limitMs / 1000} s)`;
    await pause(pollIntervalMs);
  }
}

/** Probes the service once. Returns undefined if it answers, else the reason. */
export async function probeService({ health, url, folder, env }: HealthOptions): Promise<string | undefined> {
  if (!health) return undefined;
  const address = addressOf(url);
  if (address && 'tcp' in health.probe) return probeOpenPort(address);
  return probe(health, address ?? { host: '127.0.0.1', port: 0 }, folder, { ...env, DELIVERY_URL: url });
}

interface HealthProblem {
  readonly message: string;
  /** Waiting longer does not help. */
  readonly isFinal?: true;
}

async function findProblem(containers: readonly Container[], options: HealthOptions, waitedMs: number): Promise<HealthProblem | undefined> {
  for (const container of containers) {
    const { status, restarts, health } = container;
    if (status === 'exited' || status === 'dead') return { message: exitReason(container), isFinal: true };
    if (restarts >= maxRestarts) return { message: `${exitReason(container)}, ${restarts + 1} times in a row`, isFinal: true };
    if (status !== 'running') return { message: `its container is ${status}` };
    if (options.health) continue;
    if (health === 'unhealthy') return { message: healthCheckProblem(container), isFinal: true };
    if (health === 'starting') return { message: 'its health check has not passed' };
    if (health === undefined && waitedMs < stableAfterMs * (1 + 3 * restarts)) return { message: 'it has only just started' };
  }
  const problem = await probeService(options);
  return problem === undefined ? undefined : { message: problem };
}

function addressOf(url: string): Address | undefined {
  if (url === '') return undefined;
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}

async function probeOpenPort(address: Address): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = net.connect(address);
    const end = (problem?: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(problem);
    };
    const timer = setTimeout(() => end(socket.connecting ? `port ${address.port} did not answer` : undefined), stayOpenMs);
    socket.once('data', () => end());
    socket.once('error', (error) => end(error.message));
    socket.once('close', () => end(`port ${address.port} closes connections at once: nothing listens behind it`));
  });
}
