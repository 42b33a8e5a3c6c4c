// Several updates as one over the wire: an RFC 5805 transaction. The server answers each update when it has noted it and
// carries all of them out, or none, at the end; which one failed it tells by message id.

import { refuseFaults } from './client-answer.ts';
import type { ClientConnection } from './client-connection.ts';
import { type Control, Oid } from './control.ts';
import type { LdapOperation } from './entry.ts';
import { isNonError } from './result.ts';
import { decodeFailedMessage, encodeEndTransaction } from './transaction.ts';

/** Applies all or nothing; throws LdapFault with `failedOperation` where the server tells it. */
export async function applyAsTransaction(
  connection: ClientConnection,
  operations: readonly LdapOperation[],
): Promise<void> {
  const started = await connection.request({ kind: 'extended', oid: Oid.startTransaction });
  refuseFaults(started);
  const id = started.result.responseValue ?? Buffer.alloc(0);
  const control: Control = { oid: Oid.transactionSpecification, critical: true, value: id };
  const messageIds: number[] = [];
  // One after the other: slapd works on one connection's requests side by side, and their order is the meaning here.
  for (const operation of operations) {
    const answer = await connection.request({ kind: 'update', operation }, [control]);
    messageIds.push(answer.messageId);
    if (isNonError(answer.result.resultCode)) continue;
    await endTransaction(connection, { commit: false, id });
    refuseFaults(answer, messageIds.length - 1);
  }
  const ended = await endTransaction(connection, { commit: true, id });
  if (isNonError(ended.result.resultCode)) return;
  const place = messageIds.indexOf(decodeFailedMessage(ended.result.responseValue) ?? -1);
  refuseFaults(ended, place < 0 ? undefined : place);
}

function endTransaction(
  connection: ClientConnection,
  end: { commit: boolean; id: Buffer },
): ReturnType<ClientConnection['request']> {
  return connection.request({ kind: 'extended', oid: Oid.endTransaction, value: encodeEndTransaction(end) });
}
