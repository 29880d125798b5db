import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import * as net from 'node:net';
import { createInterface } from 'node:readline';
import type { Audience } from './visibility';

/** Where a process answers those of the same user that wait for it. */
export interface WaitingAddress {
  readonly port: number;
  readonly token: string;
}

/** The processes that wait for the end of this one. Each says whether anybody looks where it was started. */
export class WaitingProcesses {
  /** One of them says that it knows more. */
  claimed: () => void = () => {};
  private readonly connected = new Set<net.Socket>();
  private heir: net.Socket | undefined;

  private constructor(
    private readonly server: net.Server,
    private readonly token: string,
    private readonly audience: Audience,
  ) {
    server.on('connection', (socket) => this.hear(socket));
  }

  static async listen(audience: Audience): Promise<WaitingProcesses> {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new WaitingProcesses(server, randomBytes(24).toString('base64url'), audience);
  }

  get address(): WaitingAddress {
    return { port: (this.server.address() as net.AddressInfo).port, token: this.token };
  }

  /** The one that knows more goes first; when it had its turn, or is gone, the others look who is next. */
  async handOver(signal: AbortSignal): Promise<void> {
    const { heir } = this;
    if (heir && !heir.destroyed) {
      heir.write('yours\n');
      await once(heir, 'close', { signal }).catch(() => undefined);
    }
    this.heir = undefined;
    for (const socket of this.connected) socket.destroy();
  }

  close(): void {
    this.server.close();
    for (const socket of this.connected) socket.destroy();
  }

  private hear(socket: net.Socket): void {
    let isOne = false;
    this.connected.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      this.connected.delete(socket);
      this.audience.says(socket, false);
    });
    const lines = createInterface({ input: socket });
    lines.on('error', () => {});
    lines.on('line', (line) => {
      if (socket.destroyed) return;
      if (!isOne) {
        isOne = line === this.token;
        if (!isOne) socket.destroy();
      } else if (line === 'claim') {
        this.heir ??= socket;
        this.claimed();
      } else this.audience.says(socket, line === 'seen');
    });
  }
}
