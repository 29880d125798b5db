import { createHash } from 'node:crypto';
import { once } from 'node:events';
import * as net from 'node:net';

/** Below the range of ports that systems assign, so that the port of a service stays free. */
const firstPort = 20_000;
const portCount = 10_000;

/**
 * Returns the ports for a service of an environment, best first. The same names always give the same ports, so that
 * an address can be bookmarked.
 */
export function* portsFor(environment: string, service: string): Generator<number> {
  const first = createHash('sha256').update(`${environment}\0${service}`).digest().readUInt32BE() % portCount;
  for (let offset = 0; offset < portCount; offset++) yield firstPort + ((first + offset) % portCount);
}

/** Returns a port that is free at this moment. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
