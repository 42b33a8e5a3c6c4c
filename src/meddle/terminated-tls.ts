// TLS that the fault box ends on both sides: it is the server of the client and the client of the server, and what is said in
// between can be read and meddled with. The client's ClientHello is awaited first, so that the server is asked for the same name.

import { once } from 'node:events';
import { duplexPair } from 'node:stream';
import type { Duplex } from 'node:stream';
import { connect, createSecureContext, type SecureContextOptions, type SecureVersion, TLSSocket } from 'node:tls';
import { messageOf } from '../problem.ts';
import { type Certificate, parseCertificate } from '../tls/certificate.ts';
import { describeTlsSession, type TlsSession } from '../tls/tls-session.ts';
import type { CertificateWish, Termination, TlsSide } from './fault.ts';
import type { ForgedCertificate } from './forged-certificate.ts';
import type { Observer } from './observation.ts';
import type { Side } from './unit.ts';

export type Forge = (wish: CertificateWish, original: Certificate | undefined) => Promise<ForgedCertificate>;

/** Octets of a TLS engine on its way to and from the wire. */
export interface Leg {
  readonly wire: Duplex;
  readonly engine: Duplex;
}

export interface Secured {
  readonly client: TLSSocket;
  readonly server: TLSSocket;
}

export class TerminatedTls {
  readonly clientLeg: Leg = openLeg();
  readonly serverLeg: Leg = openLeg();
  readonly #fault: Termination;
  readonly #forge: Forge;
  readonly #observer: Observer;

  constructor(options: { fault: Termination; forge: Forge; observer: Observer }) {
    this.#fault = options.fault;
    this.#forge = options.forge;
    this.#observer = options.observer;
    options.observer.isTerminated = true;
  }

  /** Both handshakes, the server's first, since its certificate is the model of ours; undefined, noted, when either fails. */
  async secure(serverName: string | undefined): Promise<Secured | undefined> {
    let other: Side = 'server';
    try {
      const server = await this.#secureServer(serverName);
      other = 'client';
      return { server: server.socket, client: await this.#secureClient(server.certificate) };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      this.#observer.note('note', `the handshake with the ${other} failed: ${code ?? messageOf(error)}`);
      return undefined;
    }
  }

  async #secureServer(
    serverName: string | undefined,
  ): Promise<{ socket: TLSSocket; certificate: Certificate | undefined }> {
    const { toServer } = this.#fault;
    const own = toServer.certificate && (await this.#forge(toServer.certificate, undefined));
    const socket = connect({
      socket: this.serverLeg.engine,
      rejectUnauthorized: false,
      ...(serverName !== undefined && { servername: serverName }),
      ...contextOptions(toServer, own),
    });
    socket.on('error', () => {});
    await once(socket, 'secureConnect');
    const session = describeTlsSession(socket, undefined);
    this.#observer.note('secured', `TLS with the server: ${describe(session)}`, { side: 'server' });
    return { socket, certificate: session.peerCertificate };
  }

  async #secureClient(original: Certificate | undefined): Promise<TLSSocket> {
    const { toClient } = this.#fault;
    const shown = await this.#forge(toClient.certificate ?? {}, original);
    const { subject, notAfter, thumbprint, keyType } = parseCertificate(firstOf(shown.certificatePem));
    this.#observer.note('note', `shows ${subject}, ${keyType}, until ${notAfter.toISOString()}, ${thumbprint}`);
    const socket = new TLSSocket(this.clientLeg.engine, {
      isServer: true,
      secureContext: createSecureContext(contextOptions(toClient, shown)),
      requestCert: true,
      rejectUnauthorized: false,
    });
    socket.on('error', () => {});
    await once(socket, 'secure');
    const session = describeTlsSession(socket, undefined);
    this.#observer.secured = { version: session.protocol, cipher: session.cipher };
    this.#observer.note('secured', `TLS with the client: ${describe(session)}`, { side: 'client' });
    return socket;
  }
}

function openLeg(): Leg {
  const [wire, engine] = duplexPair();
  // Whoever ends one half ends both: nothing is to be heard of that.
  for (const half of [wire, engine]) half.on('error', () => {});
  return { wire, engine };
}

function describe({ protocol, cipher, peerCertificate }: TlsSession): string {
  const shown = peerCertificate
    ? `shown ${peerCertificate.subject}, until ${peerCertificate.notAfter.toISOString()}, ${peerCertificate.thumbprint}`
    : 'shown no certificate';
  return `${protocol} ${cipher}, ${shown}`;
}

function firstOf(pem: string): string {
  return `${pem.split('-----END CERTIFICATE-----')[0] ?? ''}-----END CERTIFICATE-----\n`;
}

const OLD: ReadonlySet<SecureVersion | undefined> = new Set(['TLSv1', 'TLSv1.1']);

/** What OpenSSL no longer does of itself it does at security level 0. */
function contextOptions(side: TlsSide, own: ForgedCertificate | undefined): SecureContextOptions {
  const { maxVersion, ciphers } = side;
  const minVersion = side.minVersion ?? (OLD.has(maxVersion) ? maxVersion : undefined);
  const isWeak = ciphers !== undefined || OLD.has(minVersion);
  return {
    ...(own && { cert: own.certificatePem, key: own.privateKeyPem }),
    ...(minVersion !== undefined && { minVersion }),
    ...(maxVersion !== undefined && { maxVersion }),
    ...(isWeak && { ciphers: `${ciphers ?? 'DEFAULT'}:@SECLEVEL=0` }),
  };
}
