// The control for results in pages (RFC 2696), read and written by both sides: the client's course is paged-search.ts, the
// server's session-search.ts.

import { encode, encodeInteger, encodeOctets, openBer, SEQUENCE } from './ber.ts';
import { MalformedPdu } from './ber-guard.ts';
import { type Control, Oid } from './control.ts';
import { fault } from './result.ts';

export interface Page {
  /** Of a request: entries wanted; 0 gives the rest up. Of an answer: how many there are in all, 0 when nobody counted. */
  readonly size: number;
  /** Where the page begins, or the next one; empty for the first, and after the last. */
  readonly cookie: Buffer;
}

export function makePageControl({ size, cookie }: Page, critical = false): Control {
  return { oid: Oid.pagedResults, critical, value: encode(SEQUENCE, encodeInteger(size), encodeOctets(cookie)) };
}

/** Throws LdapFault protocolError. */
export function readPageControl({ value }: Control): Page {
  try {
    const cursor = openBer(value ?? Buffer.alloc(0)).enter();
    const page = { size: cursor.readInteger(), cookie: cursor.readOctets() };
    if (page.size >= 0) return page;
  } catch (error) {
    if (!(error instanceof MalformedPdu)) throw error;
  }
  throw fault('protocolError', 'the control for paged results cannot be read');
}
