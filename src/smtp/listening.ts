// A listening TCP socket, opened as a promise and refused in a sentence.

import type { AddressInfo, Server } from 'node:net';
import { formatEndpoint, type Service } from '../config.ts';
import { listenProblem } from '../problem.ts';

export interface ListenPlace {
  readonly host: string;
  /** 0 takes a free one, which the answer then tells. */
  readonly port: number;
  /** Leaves IPv4 to another listener when `host` is ::. Default false: :: takes both. */
  readonly ipv6Only?: boolean;
  /** What clients come for; smtp when absent. With smtps the TLS handshake comes first (RFC 8314 §3.3). */
  readonly service?: Service;
}

/** Connections that wait to be accepted: who finds no place among them is asked by TCP to come again, a second later. */
const BACKLOG = 4096;

/** Begins to listen. Throws Problem `listen-failed` when the address cannot be had. */
export function listenAt(server: Server, { host, port, ipv6Only = false }: ListenPlace): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(listenProblem(formatEndpoint({ host, port }), error));
    server.once('error', fail);
    server.listen({ host, port, ipv6Only, backlog: BACKLOG }, () => {
      server.off('error', fail);
      resolve(server.address() as AddressInfo);
    });
  });
}
