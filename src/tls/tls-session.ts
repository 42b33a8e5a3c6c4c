// What a finished TLS handshake showed, as a value: version, suite, both certificates. It reports; trust/ judges.
// Ask after 'secure' (or 'secureConnect'): under TLS 1.3 a server knows the client's certificate only then.

import type { TLSSocket } from 'node:tls';
import { BoundedMap } from '../bounded-map.ts';
import { type Certificate, parseCertificate } from './certificate.ts';

export interface TlsSession {
  /** As OpenSSL writes it: "TLSv1.3". */
  readonly protocol: string;
  /** The suite's registered name (RFC 8314 §4.3 wants that one in a Received header): "TLS_AES_256_GCM_SHA384". */
  readonly cipher: string;
  /** The name asked for by SNI (RFC 6066 §3). */
  readonly servername: string | undefined;
  readonly localCertificate: Certificate | undefined;
  /** What the peer proved to hold the key of; undefined when it showed none, or one that cannot be read. */
  readonly peerCertificate: Certificate | undefined;
  /**
   * True when Node verified the peer's chain against `ca` or the public roots; on the client's side the name too, unless the
   * options of secure-context.ts left that to others.
   */
  readonly peerChainTrusted: boolean;
  /** True when no key was proved in this handshake; the contexts of secure-context.ts never let that happen. */
  readonly resumed: boolean;
}

/**
 * Reads a socket whose handshake is over. `localCertificate` is the one that this side offered, if any; `askedName` is what a
 * client asked for, which its socket does not tell. `peerChainTrusted` needs a socket of `tls.connect` or `tls.Server`: one
 * made by `new TLSSocket` for a server never verifies, and says false. Never throws.
 */
export function describeTlsSession(
  socket: TLSSocket,
  localCertificate: Certificate | undefined,
  askedName?: string,
): TlsSession {
  const servername = askedName ?? (socket as { servername?: unknown }).servername;
  return {
    protocol: socket.getProtocol() ?? '',
    cipher: socket.getCipher()?.standardName ?? '',
    servername: typeof servername === 'string' && servername !== '' ? servername : undefined,
    localCertificate,
    peerCertificate: readPeerCertificate(socket),
    peerChainTrusted: socket.authorized,
    resumed: socket.isSessionReused(),
  };
}

/** Peers show the same certificate again and again: to read one costs as much as a small message. */
const read = new BoundedMap<string, Certificate>(100);

function readPeerCertificate(socket: TLSSocket): Certificate | undefined {
  const shown = socket.getPeerX509Certificate();
  if (shown === undefined) return undefined;
  const { raw } = shown;
  const octets = raw.toString('latin1');
  const known = read.get(octets);
  if (known) return known;
  try {
    const certificate = parseCertificate(raw);
    read.set(octets, certificate);
    return certificate;
  } catch {
    // A peer may send what it likes: nobody can have that one on record, so it names nobody.
    return undefined;
  }
}
