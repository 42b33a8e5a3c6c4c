// Several updates as one over the wire: an RFC 5805 transaction. The server answers each update when it has noted it and
// carries all of them out, or none, at the end; which one failed it tells by message id.

import { setTimeout as sleep } from 'node:timers/promises';
import { refuseFaults } from './client-answer.ts';
import type { ClientConnection, LdapAnswer } from './client-connection.ts';
import { makeSearchRequest } from './client-query.ts';
import { type Control, Oid } from './control.ts';
import type { LdapOperation } from './entry.ts';
import { isNonError } from './result.ts';
import { decodeFailedMessage, encodeEndTransaction } from './transaction.ts';
import { isOwnServer, VENDOR_SEARCH } from './vendor.ts';

/** At its end the server does the work of all: it is given this much more time for each. */
const COMMIT_MS_PER_OPERATION = 5;

/** Updates on their way to a server that takes them in their order. */
const WINDOW = 64;

/**
 * slapd (2.5, and its branch of August 2026) answers an update of a transaction while the thread that noted it still works with it,
 * and the end of the transaction frees it: sent at once, that end brings slapd down now and then with a segmentation fault. Nothing
 * says when the thread is through; it needs microseconds.
 */
const SLAPD_THREAD_MS = 50;

/** Whether the server at the other end of a connection works on its requests in their order. */
const order = new WeakMap<ClientConnection, Promise<boolean>>();

/** Applies all or nothing; throws LdapFault with `failedOperation` where the server tells it, and what `operations` throws. */
export async function applyAsTransaction(
  connection: ClientConnection,
  operations: Iterable<LdapOperation> | AsyncIterable<LdapOperation>,
): Promise<void> {
  const isInOrder = await worksInOrder(connection);
  const awaitThread = (): Promise<void> => (isInOrder ? Promise.resolve() : sleep(SLAPD_THREAD_MS));
  const started = await connection.request({ kind: 'extended', oid: Oid.startTransaction });
  refuseFaults(started);
  const id = started.result.responseValue ?? Buffer.alloc(0);
  const messageIds: number[] = [];
  try {
    await sendAll(connection, operations, { id, messageIds, window: isInOrder ? WINDOW : 1 });
  } catch (error) {
    await awaitThread();
    if (connection.isOpen) await endTransaction(connection, { commit: false, id }, 0);
    throw error;
  }
  await awaitThread();
  const ended = await endTransaction(connection, { commit: true, id }, messageIds.length);
  if (isNonError(ended.result.resultCode)) return;
  const place = messageIds.indexOf(decodeFailedMessage(ended.result.responseValue) ?? -1);
  refuseFaults(ended, place < 0 ? undefined : place);
}

async function sendAll(
  connection: ClientConnection,
  operations: Iterable<LdapOperation> | AsyncIterable<LdapOperation>,
  { id, messageIds, window }: { id: Buffer; messageIds: number[]; window: number },
): Promise<void> {
  const control: Control = { oid: Oid.transactionSpecification, critical: true, value: id };
  const settle = async (sent: Promise<Sent> | undefined): Promise<void> => {
    const { answer, error } = (await sent) ?? {};
    if (!answer) throw error;
    messageIds.push(answer.messageId);
    refuseFaults(answer, messageIds.length - 1);
  };
  const underway: Promise<Sent>[] = [];
  for await (const operation of operations) {
    underway.push(observe(connection.request({ kind: 'update', operation }, [control])));
    if (underway.length >= window) await settle(underway.shift());
  }
  while (underway.length > 0) await settle(underway.shift());
}

/** An answer, or why there is none: looked at when its turn comes. */
interface Sent {
  readonly answer?: LdapAnswer;
  readonly error?: unknown;
}

function observe(request: Promise<LdapAnswer>): Promise<Sent> {
  return request.then(
    (answer) => ({ answer }),
    (error: unknown) => ({ error }),
  );
}

/** slapd works on the requests of one connection side by side, and their order is the meaning here; our own server does not. */
function worksInOrder(connection: ClientConnection): Promise<boolean> {
  const known = order.get(connection) ?? askVendor(connection);
  order.set(connection, known);
  return known;
}

async function askVendor(connection: ClientConnection): Promise<boolean> {
  const answer = await connection.request({ kind: 'search', ...makeSearchRequest(VENDOR_SEARCH) });
  return isOwnServer(answer.entries);
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
