// A proxy that carries TLS and cuts it at a chosen place: after so many TLS records of both directions together (a member of
// the pair writes each LDAP message as one record), or after so many octets. Counts what it carried.

import type { Socket } from 'node:net';
import { LoopbackProxy } from './loopback-proxy.ts';

export type Cut = { readonly records: number } | { readonly octets: number } | undefined;

const HEADER_LENGTH = 5;

export class WireCutter {
  /** Where connections from now on are cut; undefined: nowhere. */
  cut: Cut = undefined;
  /** Of the last connection. */
  carried = { records: 0, octets: 0, isCut: false };
  readonly #proxy: LoopbackProxy;

  private constructor(proxy: LoopbackProxy) {
    this.#proxy = proxy;
  }

  static async open(targetPort: number): Promise<WireCutter> {
    const target = { host: '127.0.0.1', port: targetPort };
    const cutter: WireCutter = new WireCutter(
      await LoopbackProxy.open({ target, carry: (client, server) => cutter.#carry(client, server) }),
    );
    return cutter;
  }

  get port(): number {
    return this.#proxy.port;
  }

  close(): Promise<void> {
    return this.#proxy.close();
  }

  #carry(client: Socket, server: Socket): void {
    const { cut } = this;
    const carried = { records: 0, octets: 0, isCut: false };
    this.carried = carried;
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
