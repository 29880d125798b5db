import * as net from 'node:net';
import { ok, type Result } from '../../model/result';
import type { HealthDefinition } from '../../model/pipeline';
import { probe, type Address } from '../process/health';
import type { Container } from './containers';
import type { ContainerEngine } from './engine';
import { exitReason, healthCheckProblem } from './containers';

const pollIntervalMs = 100;
/** How long a container without any check has to keep running to count as up; longer when it had to be started again. */
const stableAfterMs = 1_000;
/** How often it may end and be started again before that is no way of waiting for something. */
const maxRestarts = 3;
/** For what its own health check may take at the very longest. */
const defaultTimeoutMs = 10 * 60_000;
/** A published port accepts at once, whoever listens behind it; where nobody does it is closed again within this. */
const stayOpenMs = 300;

export interface HealthOptions {
  /** Absent: the container's own check, and without one that it keeps running. */
  readonly health?: HealthDefinition;
  /** Where the service answers from outside. */
  readonly url: string;
  /** For a health command. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Waits until containers are healthy: `undefined`; else why they will not be. */
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
    if (waiting.isFinal) return waiting.why;
    if (Date.now() - began > limitMs) return `${waiting.why} (after ${limitMs / 1000} s)`;
    await new Promise((resolve) => setTimeout(resolve, pollIntervalMs));
  }
}

/** Whether the service answers as its definition asks, right now: `undefined`; else why not. */
export async function probeService({ health, url, folder, env }: HealthOptions): Promise<string | undefined> {
  if (!health) return undefined;
  const address = addressOf(url);
  if (address && 'tcp' in health.probe) return probeOpenPort(address);
  return probe(health, address ?? { host: '127.0.0.1', port: 0 }, folder, { ...env, DELIVERY_URL: url });
}

interface HealthProblem {
  readonly why: string;
  /** HealthProblem longer does not help. */
  readonly isFinal?: true;
}

async function findProblem(containers: readonly Container[], options: HealthOptions, waitedMs: number): Promise<HealthProblem | undefined> {
  for (const container of containers) {
    const { status, restarts, health } = container;
    if (status === 'exited' || status === 'dead') return { why: exitReason(container), isFinal: true };
    if (restarts >= maxRestarts) return { why: `${exitReason(container)}, each of ${restarts + 1} times`, isFinal: true };
    if (status !== 'running') return { why: `its container is ${status}` };
    if (options.health) continue;
    if (health === 'unhealthy') return { why: healthCheckProblem(container), isFinal: true };
    if (health === 'starting') return { why: 'its health check has not passed' };
    if (health === undefined && waitedMs < stableAfterMs * (1 + 3 * restarts)) return { why: 'it was started a moment ago' };
  }
  const why = await probeService(options);
  return why === undefined ? undefined : { why };
}

function addressOf(url: string): Address | undefined {
  if (url === '') return undefined;
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}

async function probeOpenPort(address: Address): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = net.connect(address);
    const end = (why?: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(why);
    };
    const timer = setTimeout(() => end(socket.connecting ? `port ${address.port} did not answer` : undefined), stayOpenMs);
    socket.once('data', () => end());
    socket.once('error', (error) => end(error.message));
    socket.once('close', () => end(`port ${address.port} closes again at once: nothing listens behind it`));
  });
}
