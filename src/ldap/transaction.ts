// The values of the extended operations for LDAP transactions (RFC 5805), read and written by both sides. The server's open
// transaction is in session-transaction.ts, the client's course in client-transaction.ts.

import { BOOLEAN, encode, encodeBoolean, encodeInteger, encodeOctets, INTEGER, openBer, SEQUENCE } from './ber.ts';
import { MalformedPdu } from './ber-guard.ts';
import { fault } from './result.ts';

export interface EndTransaction {
  readonly commit: boolean;
  readonly id: Buffer;
}

/** Value of the End Transactions request; throws LdapFault protocolError. */
export function decodeEndTransaction(value: Buffer | undefined): EndTransaction {
  try {
    const cursor = openBer(value ?? Buffer.alloc(0)).enter();
    const commit = cursor.nextTag === BOOLEAN ? cursor.readBoolean() : true;
    return { commit, id: cursor.readOctets() };
  } catch (error) {
    if (error instanceof MalformedPdu) throw fault('protocolError', 'the end of the transaction cannot be read');
    throw error;
  }
}

/** The other way round; TRUE is the default and left out. */
export function encodeEndTransaction(end: EndTransaction): Buffer {
  const commit = end.commit ? [] : [encodeBoolean(false)];
  return encode(SEQUENCE, ...commit, encodeOctets(end.id));
}

/** Value of the End Transactions response: the message that the transaction failed at. */
export function encodeFailedMessage(messageId: number): Buffer {
  return encode(SEQUENCE, encodeInteger(messageId));
}

/** The other way round; undefined when the server does not say. Throws MalformedPdu. */
export function decodeFailedMessage(value: Buffer | undefined): number | undefined {
  if (!value || value.length === 0) return undefined;
  const cursor = openBer(value).enter();
  return cursor.nextTag === INTEGER ? cursor.readInteger() : undefined;
}
