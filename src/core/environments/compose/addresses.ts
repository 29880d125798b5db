import { once } from 'node:events';
import * as net from 'node:net';
import { portsFor } from '../../process/free-port';
import { addressVariable } from '../variables';
import { type Container, label } from './containers';

/** Returns the host of the engine's ports: this machine, or the host that `DOCKER_HOST` names. */
export function engineHost(env: NodeJS.ProcessEnv): string {
  const named = env['DOCKER_HOST'] ?? env['CONTAINER_HOST'] ?? '';
  const [, host] = /^(?:tcp|ssh|https?):\/\/(?:[^@/]*@)?(\[[^\]]+\]|[^:/]+)/.exec(named) ?? [];
  return host === undefined || host === 'localhost' ? '127.0.0.1' : host;
}

/** Returns the address of a container on the host, or an empty string if its port is not published. */
export function urlOf(container: Container, host: string): string {
  const port = Number(container.labels[label.port]);
  const binding = container.ports.find(({ target }) => target === port);
  if (!binding) return '';
  const isEverywhere = ['', '0.0.0.0', '::', '127.0.0.1', '::1'].includes(binding.hostIp);
  return `http://${isEverywhere ? host : binding.hostIp}:${binding.host}`;
}

/** Returns the host port for a service whose file publishes none: its present port, else the first free one of a fixed sequence. */
export async function hostPort(environment: string, service: string, live: readonly Container[]): Promise<number> {
  for (const container of live) {
    const port = Number(container.labels[label.port]);
    const binding = container.ports.find(({ target }) => target === port);
    if (binding) return binding.host;
  }
  for (const port of portsFor(environment, service)) if (await isFree(port)) return port;
  throw new Error('no free port on this machine');
}

async function isFree(port: number): Promise<boolean> {
  const server = net.createServer();
  const listening = new Promise<boolean>((resolve) => {
    server.once('listening', () => resolve(true));
    server.once('error', () => resolve(false));
  });
  server.listen(port, '127.0.0.1');
  if (!(await listening)) return false;
  server.close();
  await once(server, 'close');
  return true;
}

/**
 * Returns `NAME_URL` of the other services as a container reaches them: by name in the network of the environment. Addresses of this
 * machine are left out, because inside a container they mean the container itself.
 */
export function neighbourVariables(
  service: string,
  containers: readonly Container[],
  addresses: Readonly<Record<string, string>>,
): Record<string, string> {
  const outside = Object.entries(addresses).filter(([, url]) => !/^https?:\/\/(localhost|127\.|\[::1\])/.test(url));
  const inside = containers.flatMap(({ labels }) => {
    const [name, port] = [labels[label.service], labels[label.port]];
    return name === undefined || port === undefined ? [] : [[name, `http://${name}:${port}`] as const];
  });
  const others = [...outside, ...inside].filter(([name]) => name !== service);
  return Object.fromEntries(others.map(([name, url]) => [addressVariable(name), url]));
}
