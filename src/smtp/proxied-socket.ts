// Waits for the header of the PROXY protocol on a connection that must begin with one, and leaves everything behind it in the
// socket. Who may send one at all is the listener's to say.

import type { Socket } from 'node:net';
import { type ProxiedClient, readProxyHeader } from './proxy-header.ts';

/** A balancer sends it at once. */
const HEADER_MS = 10_000;

/**
 * Whom the header names, undefined inside where it names nobody; 'none' when what came is no header, or none came in time, or
 * the connection is gone. The socket is then still to be closed.
 */
export function takeProxyHeader(socket: Socket, timeoutMs = HEADER_MS): Promise<{ client?: ProxiedClient } | 'none'> {
  const { promise, resolve } = Promise.withResolvers<{ client?: ProxiedClient } | 'none'>();
  let gathered: Buffer = Buffer.alloc(0);
  const finish = (result: { client?: ProxiedClient } | 'none'): void => {
    clearTimeout(timer);
    socket.off('readable', read).off('close', giveUp).off('end', giveUp);
    resolve(result);
  };
  const giveUp = (): void => finish('none');
  const read = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    gathered = Buffer.concat([gathered, chunk]);
    const header = readProxyHeader(gathered);
    if (header.kind === 'malformed') return giveUp();
    if (header.kind === 'incomplete') return;
    const rest = gathered.subarray(header.lengthBytes);
    if (rest.length > 0) socket.unshift(rest);
    finish(header.client ? { client: header.client } : {});
  };
  const timer = setTimeout(giveUp, timeoutMs).unref();
  socket.on('readable', read).on('close', giveUp).on('end', giveUp);
  return promise;
}
