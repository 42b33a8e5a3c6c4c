// The application protocol that a TLS client asks for by name (RFC 7301). SMTP has none that is registered, and honest clients
// ask for nothing; a browser led here by ALPACA or Opossum asks for HTTP and must not be answered. As Exim does it.

const OUR_NAMES: ReadonlySet<string> = new Set(['smtp', 'esmtp']);

/** The protocol to agree on; undefined ends the handshake with the alert no_application_protocol. */
export function chooseProtocol({ protocols }: { readonly protocols: readonly string[] }): string | undefined {
  return protocols.find((name) => OUR_NAMES.has(name));
}
