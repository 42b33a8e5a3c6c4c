// An accepted connection that somebody watches: the same as any other, but its socket has a tap in it, and the tap is told of
// the handshake.

import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { SMTPServer } from 'smtp-server';
import type { SMTPConnectionOptions } from 'smtp-server/lib/smtp-connection.js';
import { type OpenTap, type Tap, watchHandshake } from '../capture/tap.ts';
import { tapSocket } from '../capture/tapped-socket.ts';
import { type ConnectionOptions, ListenerConnection } from './listener-connection.ts';

class WatchedConnection extends ListenerConnection {
  readonly #tap: Tap;

  constructor(
    server: SMTPServer,
    socket: Socket,
    accepted: SMTPConnectionOptions | undefined,
    options: ConnectionOptions & { readonly capture: Tap },
  ) {
    super(server, tapSocket(socket, options.capture), accepted, options);
    this.#tap = options.capture;
  }

  /** The moment at which smtp-server shows the TLS socket that it has just made. */
  override _armTimeout(socket?: Socket): void {
    super._armTimeout(socket);
    if (!socket || socket === this._socket) return;
    this.#tap.handshakeBegins();
    watchHandshake(socket as TLSSocket, this.#tap);
  }
}

/** The connection where somebody wants to watch it; else undefined, and the socket is untouched. */
export function openWatched(
  server: SMTPServer,
  socket: Socket,
  accepted: SMTPConnectionOptions | undefined,
  { tap: openTap, ...options }: ConnectionOptions & { readonly tap: OpenTap },
): ListenerConnection | undefined {
  const id = accepted?.id ?? randomUUID();
  const tap = openTap({
    protocol: 'smtp',
    role: 'server',
    id,
    local: { host: socket.localAddress ?? '', port: socket.localPort ?? 0 },
    remote: { host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 },
  });
  return tap && new WatchedConnection(server, socket, { ...accepted, id }, { ...options, capture: tap });
}
