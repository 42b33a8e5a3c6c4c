// A proxy that carries TLS and cuts it at a chosen place: after so many TLS records of both directions together (a member of
// the pair writes each LDAP message as one record), or after so many octets. Counts what it carried.

import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

export type Cut = { readonly records: number } | { readonly octets: number } | undefined;

const HEADER_LENGTH = 5;

export class WireCutter {
  /** Where connections from now on are cut; undefined: nowhere. */
  cut: Cut = undefined;
  /** Of the last connection. */
  carried = { records: 0, octets: 0, isCut: false };
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(targetPort: number): Promise<WireCutter> {
    const server = createServer();
    const cutter = new WireCutter(server);
    server.on('connection', (client) => cutter.#carry(client, targetPort));
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    return cutter;
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

  #carry(client: Socket, targetPort: number): void {
    const server = connect(targetPort, '127.0.0.1');
    const { cut } = this;
    const carried = { records: 0, octets: 0, isCut: false };
    this.carried = carried;
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => this.#sockets.delete(socket));
    }
    const forward = (record: Buffer, to: Socket): void => {
      if (carried.isCut) return;
      const room = cut && 'octets' in cut ? cut.octets - carried.octets : Number.POSITIVE_INFINITY;
      const sent = record.subarray(0, room);
      carried.octets += sent.length;
      carried.records += sent.length === record.length ? 1 : 0;
      carried.isCut =
        sent.length < record.length || (cut !== undefined && 'records' in cut && carried.records >= cut.records);
      if (!carried.isCut) return void to.write(sent);
      // What came before the cut has to arrive.
      to.write(sent, () => {
        client.destroy();
        server.destroy();
      });
    };
    client.on(
      'data',
      splitRecords((record) => forward(record, server)),
    );
    server.on(
      'data',
      splitRecords((record) => forward(record, client)),
    );
    client.on('close', () => server.destroy());
    server.on('close', () => client.end());
  }
}

/** TLS records one by one, whatever pieces they come in. */
function splitRecords(take: (record: Buffer) => void): (chunk: Buffer) => void {
  let pending = Buffer.alloc(0);
  return (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= HEADER_LENGTH) {
      const length = HEADER_LENGTH + pending.readUInt16BE(3);
      if (pending.length < length) return;
      take(pending.subarray(0, length));
      pending = pending.subarray(length);
    }
  };
}
