// Somebody who watches one connection: what passes between its socket and the TLS engine, and the engine's secrets. Wires know
// this kind alone; with no tap they do what they would do if there were none.

import type { TLSSocket } from 'node:tls';
import type { Endpoint } from '../config.ts';

/** Which connection it is. The addresses are real ones, as the sockets have them. */
export interface TappedConnection {
  readonly protocol: 'smtp' | 'ldap';
  /** `server`: this side accepted it. */
  readonly role: 'client' | 'server';
  /** Names the session in logs and records. */
  readonly id: string;
  readonly local: Endpoint;
  readonly remote: Endpoint;
}

/** What a recorded session leaves behind, for those who know what it was good for. */
export interface CapturedSession {
  readonly file: string;
  /** Puts a comment where the session is now. A session that is over waits some seconds for it. */
  note(text: string): void;
}

/** Told in the order in which things happen, before whoever reads or is written to has dealt with them. Never throws. */
export interface Tap extends CapturedSession {
  received(octets: Buffer): void;
  sent(octets: Buffer): void;
  /** A side will send no more (FIN). */
  ended(by: 'local' | 'remote'): void;
  /** The connection broke (RST). */
  reset(): void;
  /** The socket is gone. */
  closed(): void;
  /** A TLS handshake begins: what comes from now on can need secrets that are not known when it comes. */
  handshakeBegins(): void;
  /** One line of a key log, as Node and NSS write it. */
  secret(line: Buffer): void;
  handshakeEnds(): void;
}

/** Asked for each connection, when it is there and nothing was read or written yet; undefined: nobody watches it. */
export type OpenTap = (connection: TappedConnection) => Tap | undefined;

/** Gives the tap what the handshake derives. To be called in the turn in which the socket was made: secrets come once. */
export function watchHandshake(socket: TLSSocket, tap: Tap): void {
  socket.on('keylog', (line: Buffer) => tap.secret(line));
  socket.once('secure', () => tap.handshakeEnds());
}
