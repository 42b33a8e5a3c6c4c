// The closed list of reasons: one of them stands on every decision card, in the tracking log, in events and metrics.
// RFC 8460 §4.3 names are kept where they fit; the rest extend them. docs/trust.md explains each to people and a test
// checks that it explains all of them.

export const REASONS = {
  'direct-trust': 'TLS with the certificate that the directory holds, in date: mutually authenticated',
  'tls-opportunistic': 'TLS with a server that the directory does not know: encrypted, not authenticated',
  'expired-tls-kept': 'TLS although a certificate is out of its dates, because ExpiredCertificate is KeepTls',
  'untrusted-encrypted': 'TLS with a certificate that is not on record, because UntrustedCertificate is Encrypt',
  'certificate-expired': "the peer's certificate, the one on record, has expired",
  'certificate-not-yet-valid': "the peer's certificate, the one on record, is not valid yet: compare the two clocks",
  'own-certificate-expired': "this server's own certificate has expired",
  'own-certificate-not-yet-valid': "this server's own certificate is not valid yet: check this server's clock",
  'own-certificate-missing': 'this server has no certificate that it could use here',
  'certificate-not-trusted':
    'the peer showed a certificate that the directory does not hold: subscribe or synchronize again',
  'same-key-reissued':
    'the peer showed a certificate that the directory does not hold, issued for the key of one that it does: run Enable-ExchangeCertificate -Staged there before such a certificate serves',
  'starttls-not-supported':
    'the peer does not offer STARTTLS, and the directory holds nothing that would let it expect so',
  'downgrade-suspected': 'STARTTLS was not offered although the directory holds a valid certificate for the peer',
  'starttls-refused': 'the peer offered STARTTLS and then refused it',
  'starttls-not-used': 'this server offered STARTTLS and the client did not use it',
  'starttls-ignored': 'STARTTLS was not tried, because IgnoreSTARTTLS is set on the Send connector',
  'tls-verified': 'TLS with a certificate that a trusted authority issued for the name that was asked for',
  'certificate-unverified':
    "the peer's certificate leads to no authority that this server trusts, or is out of its dates",
  'certificate-host-mismatch': "the peer's certificate is made out to other names",
  'requiretls-not-offered': 'the peer does not offer REQUIRETLS, and so would not demand TLS of those behind it',
  'handshake-failed': 'the TLS handshake failed on a definite statement of the peer (alert or nonsense)',
  'handshake-cut': 'the connection was cut or went silent during the TLS handshake, which proves little',
  'authentication-refused': 'the peer did not recognise this server (anything but 235): its directory is out of date',
  'authentication-not-offered': 'the peer did not offer the authentication that the pair requires',
  'authentication-unavailable': 'the directory holds no credential for this peer: synchronize first',
  'server-unproven': 'the peer accepted the authentication without proving that it knows this server',
  'local-delivery': 'the message was written into a mailbox folder of this machine: there was no connection',
  'connection-failed': 'no SMTP conversation came about, so no rule was asked',
} as const satisfies Record<string, string>;

/** Why a delivery went the way it went. */
export type Reason = keyof typeof REASONS;

/** One sentence for people. */
export function explainReason(reason: Reason): string {
  return REASONS[reason];
}
