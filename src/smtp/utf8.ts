// Octets as text, strictly: what is no UTF-8 is no text, and nothing is put in its place.

import { isAscii } from 'node:buffer';

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** undefined for what is no UTF-8. */
export function decodeUtf8(octets: Buffer): string | undefined {
  if (isAscii(octets)) return octets.toString('latin1');
  try {
    return UTF_8.decode(octets);
  } catch {
    return undefined;
  }
}
