// What a handshake with a client goes by: the contexts that it may choose from, and whether what it came to is good enough.

import type { SecureContext, TLSSocket } from 'node:tls';
import type { SMTPServer } from 'smtp-server';
import { isAtLeast, type TlsVersion } from '../tls/tls-terms.ts';
import type { ServerIdentity } from './session-policy.ts';

export interface HandshakeIdentities {
  /** Shown to a client that names no server, or one that nobody knows here. */
  readonly fallback: ServerIdentity;
  readonly forName: (servername: string) => ServerIdentity | undefined;
  /** Told which one was chosen by name. */
  readonly onChoice: (identity: ServerIdentity) => void;
  readonly onError: (error: unknown) => void;
}

/**
 * smtp-server reads contexts and options from the server object: for the moment of the upgrade it sees those of this handshake.
 */
export function withIdentities(real: SMTPServer, identities: HandshakeIdentities): SMTPServer {
  const requestCert = identities.fallback.asksForCertificate ?? true;
  return Object.create(real, {
    options: { value: { ...real.options, requestCert } },
    secureContext: { value: new Map([['*', identities.fallback.context]]) },
    _resolveSNI: { value: resolveName(identities) },
  }) as SMTPServer;
}

function resolveName({ fallback, forName, onChoice, onError }: HandshakeIdentities) {
  return (servername: string, done: (error: Error | null, context?: SecureContext) => void): void => {
    try {
      const identity = forName(servername.toLowerCase()) ?? fallback;
      onChoice(identity);
      done(null, identity.context);
    } catch (error) {
      onError(error);
      done(null, fallback.context);
    }
  };
}

/** A context that still knows old protocols or tickets would undo what the product promises: a resumed session proves no key. */
export function findHandshakeFault(socket: TLSSocket, minimum: TlsVersion = 'Tls12'): string | undefined {
  if (!isAtLeast(socket.getProtocol(), minimum)) return 'protocol-below-minimum';
  return socket.isSessionReused() ? 'session-resumed' : undefined;
}
