// TLS over a TCP connection that outlives it: whoever ends TLS can go on in clear on the same connection, which Node's own
// TLS sockets do not allow.

import { once } from 'node:events';
import type { Socket } from 'node:net';
import { duplexPair } from 'node:stream';
import { connect as connectTls, createSecureContext, TLSSocket } from 'node:tls';

/** Resolves when the handshake as a client is over. */
export async function detachableClient(tcp: Socket): Promise<TLSSocket> {
  const secured = connectTls({ socket: plug(tcp), rejectUnauthorized: false });
  secured.on('error', () => undefined);
  await once(secured, 'secureConnect');
  return secured;
}

/** Resolves when the handshake as a server is over. */
export async function detachableServer(tcp: Socket, identity: { key: string; cert: string }): Promise<TLSSocket> {
  const secureContext = createSecureContext(identity);
  const secured = new TLSSocket(plug(tcp), { isServer: true, secureContext });
  secured.on('error', () => undefined);
  await once(secured, 'secure');
  return secured;
}

function plug(tcp: Socket) {
  const [inner, outer] = duplexPair();
  tcp.removeAllListeners('data');
  tcp.on('data', (octets: Buffer) => outer.write(octets));
  outer.on('data', (octets: Buffer) => tcp.write(octets));
  return inner;
}
