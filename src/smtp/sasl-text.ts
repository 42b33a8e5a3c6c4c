// The texts in a SASL message with a password: what is read as one, and what may be one.

/** RFC 4616 §2: a server takes at least 255 octets of each. */
const MAX_OCTETS = 1024;

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** undefined for what is no UTF-8. */
export function decodeUtf8(octets: Buffer): string | undefined {
  try {
    return UTF_8.decode(octets);
  } catch {
    return undefined;
  }
}

/** A user name or password that somebody could have: not empty, without NUL, of bounded length. */
export function isCredential(text: string): boolean {
  return text !== '' && !text.includes('\0') && Buffer.byteLength(text) <= MAX_OCTETS;
}
