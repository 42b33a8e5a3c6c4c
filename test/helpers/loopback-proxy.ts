// What proxies of tests have in common: they listen on loopback, connect each client to the target, and know every socket.
// What becomes of the octets between the two is for whoever opens one.

import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

export interface ProxyOptions {
  readonly target: { readonly host: string; readonly port: number };
  /** 0 for any free one. */
  readonly port?: number;
  /** Called for each connection; `data` of both sides is for it alone. */
  readonly carry: (client: Socket, server: Socket) => void;
}

/** Owns its sockets; the end of one side is the end of the other. */
export class LoopbackProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open({ target, port = 0, carry }: ProxyOptions): Promise<LoopbackProxy> {
    const listening = createServer();
    const proxy = new LoopbackProxy(listening);
    listening.on('connection', (client) => {
      const server = connect(target.port, target.host);
      proxy.#remember(client, server);
      carry(client, server);
    });
    await new Promise<void>((resolve) => {
      listening.listen(port, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #remember(client: Socket, server: Socket): void {
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => this.#sockets.delete(socket));
    }
    client.on('close', () => server.destroy());
    server.on('close', () => client.end());
  }
}
