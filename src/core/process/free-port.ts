import { createHash } from 'node:crypto';
import { once } from 'node:events';
import * as net from 'node:net';

/** Below the range that systems hand out by themselves, so that a service's port is free after a reboot. */
const lowest = 20_000;
const count = 10_000;

/**
 * The ports that a service of an environment should have, best first: always the same for the same
 * names, so that an address is worth a bookmark.
 */
export function* portsFor(environment: string, service: string): Generator<number> {
  const first = createHash('sha256').update(`${environment}\0${service}`).digest().readUInt32BE() % count;
  for (let offset = 0; offset < count; offset++) yield lowest + ((first + offset) % count);
}

/** A port that nobody listens on right now. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
