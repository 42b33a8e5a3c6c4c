// How the owner of a spool takes messages from its own workers (worker-spool.ts). A worker brings a body that is ready: a
// large one is a synced file in the body folder already, a small one comes along. The row is written by the owner alone, in
// its group commit, and only then does it answer. Nothing here knows how the two processes talk.

import type { UnstoredMessage } from './spool-database.ts';
import type { StoredBody } from './body-intake.ts';
import { explainDiskFault } from './disk-fault.ts';
import { decodeEnvelope, encodeEnvelope } from './envelope-codec.ts';
import type { Spool, SpooledMessage } from './spool.ts';

/** A message on its way from a worker to the owner; its envelope is in the octets of envelope-codec.ts. */
export interface HandedMessage {
  readonly envelope: Buffer;
  readonly traceFields: Buffer;
  readonly body: StoredBody;
}

/** A spool whose owner lets workers of its own bring messages. */
export interface SharedSpool extends Spool {
  /** Stores a message whose body was made ready elsewhere; durable when it resolves. Problems as SpoolWriter.commit. */
  adopt(message: UnstoredMessage): Promise<SpooledMessage>;
}

/** Whether workers can work for this spool. */
export function isShared(spool: Spool): spool is SharedSpool {
  return 'adopt' in spool;
}

/** The message in the form in which it travels. */
export function handMessage({ envelope, traceFields, body }: UnstoredMessage): HandedMessage {
  return { envelope: encodeEnvelope(envelope), traceFields, body };
}

/** The owner's side: stores the message and gives its id. Problems as SpoolWriter.commit; then nothing of it is kept. */
export async function adoptMessage(spool: SharedSpool, { envelope, ...rest }: HandedMessage): Promise<number> {
  try {
    return (await spool.adopt({ envelope: decodeEnvelope(envelope), ...rest })).id;
  } catch (error) {
    throw explainDiskFault(error);
  }
}
