// Several updates as one over the wire: an RFC 5805 transaction. The server answers each update when it has noted it and
// carries all of them out, or none, at the end; which one failed it tells by message id.

import { refuseFaults } from './client-answer.ts';
import type { ClientConnection, LdapAnswer } from './client-connection.ts';
import { type Control, Oid } from './control.ts';
import type { LdapOperation } from './entry.ts';
import { isNonError } from './result.ts';
import { decodeFailedMessage, encodeEndTransaction } from './transaction.ts';

/** At its end the server does the work of all: it is given this much more time for each. */
const COMMIT_MS_PER_OPERATION = 5;

/** Applies all or nothing; throws LdapFault with `failedOperation` where the server tells it, and what `operations` throws. */
export async function applyAsTransaction(
  connection: ClientConnection,
  operations: Iterable<LdapOperation> | AsyncIterable<LdapOperation>,
): Promise<void> {
  const started = await connection.request({ kind: 'extended', oid: Oid.startTransaction });
  refuseFaults(started);
  const id = started.result.responseValue ?? Buffer.alloc(0);
  const messageIds: number[] = [];
  try {
    await sendAll(connection, operations, { id, messageIds });
  } catch (error) {
    if (connection.isOpen) await endTransaction(connection, { commit: false, id }, 0);
    throw error;
  }
  const ended = await endTransaction(connection, { commit: true, id }, messageIds.length);
  if (isNonError(ended.result.resultCode)) return;
  const place = messageIds.indexOf(decodeFailedMessage(ended.result.responseValue) ?? -1);
  refuseFaults(ended, place < 0 ? undefined : place);
}

async function sendAll(
  connection: ClientConnection,
  operations: Iterable<LdapOperation> | AsyncIterable<LdapOperation>,
  { id, messageIds }: { id: Buffer; messageIds: number[] },
): Promise<void> {
  const control: Control = { oid: Oid.transactionSpecification, critical: true, value: id };
  // One after the other: slapd works on one connection's requests side by side, and their order is the meaning here.
  for await (const operation of operations) {
    const answer = await connection.request({ kind: 'update', operation }, [control]);
    messageIds.push(answer.messageId);
    refuseFaults(answer, messageIds.length - 1);
  }
}

function endTransaction(
  connection: ClientConnection,
  end: { commit: boolean; id: Buffer },
  operationCount: number,
): Promise<LdapAnswer> {
  const value = encodeEndTransaction(end);
  const patienceMs = operationCount * COMMIT_MS_PER_OPERATION;
  return connection.request({ kind: 'extended', oid: Oid.endTransaction, value }, [], patienceMs);
}
