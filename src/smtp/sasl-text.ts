// The texts in a SASL message with a password: what may be one.

/** RFC 4616 §2: a server takes at least 255 octets of each. */
const MAX_OCTETS = 1024;

/** A user name or password that somebody could have: not empty, without NUL, of bounded length. */
export function isCredential(text: string): boolean {
  return text !== '' && !text.includes('\0') && Buffer.byteLength(text) <= MAX_OCTETS;
}
