// Everything of one spool into another, message by message: stored and synced there, brought into the state it had, and only then
// removed here. It can be killed at any moment and done again: what is in both is known by its octets, and is not stored twice. No
// server may use either meanwhile, and none starts before the copy is finished (copy-mark.ts).

import { createHash } from 'node:crypto';
import { isProblem } from '../problem.ts';
import { encodeEnvelope } from './envelope-codec.ts';
import type { RecipientChange, Settlement, Spool, SpooledMessage } from './spool.ts';

/** What was done. */
export interface CopyReport {
  /** Messages that are in the other spool now and in this one no more. */
  readonly moved: number;
  /** Those of them that were there already, since a copy before this one was interrupted. */
  readonly found: number;
  readonly bytes: number;
  /** Ids of messages that are set aside as damaged: they stay. */
  readonly damaged: readonly number[];
}

const PAGE_SIZE = 200;

/** Moves all good messages. Problem `spool-unavailable`: do it again. What turns out to be damaged on the way is set aside and stays. */
export async function copySpool(
  from: Spool,
  to: Spool,
  onProgress: (moved: number) => void = () => {},
): Promise<CopyReport> {
  // Whoever listens holds what it stores: in a shared spool nobody delivers a message before it has its state.
  const cancel = to.onArrival(() => {});
  try {
    const there = await readKeys(to);
    let [moved, found, bytes] = [0, 0, 0];
    for await (const message of listAll(from)) {
      const key = keyOf(message);
      const known = there.get(key);
      const id = known ?? (await store(from, to, message));
      if (id === undefined) continue;
      there.delete(key);
      const state = stateOf(message);
      if (state) await to.settle(id, state);
      await from.settle(message.id, {
        recipients: message.recipients.map((_, index) => ({ index, status: 'relayed' })),
      });
      moved += 1;
      bytes += message.bodySizeBytes;
      if (known !== undefined) found += 1;
      onProgress(moved);
    }
    return { moved, found, bytes, damaged: (await from.listDamaged()).map(({ id }) => id) };
  } finally {
    cancel();
  }
}

async function readKeys(spool: Spool): Promise<Map<string, number>> {
  const keys = new Map<string, number>();
  for await (const message of listAll(spool)) keys.set(keyOf(message), message.id);
  return keys;
}

async function* listAll(spool: Spool): AsyncGenerator<SpooledMessage> {
  for (let afterId = 0; ; ) {
    const page = await spool.list({ afterId, limit: PAGE_SIZE });
    yield* page;
    const last = page.at(-1);
    if (!last) return;
    afterId = last.id;
  }
}

/** What two messages never have in common: their GUID, when they came and from whom, and how long the body is. */
function keyOf({ envelope, traceFields, bodySizeBytes }: SpooledMessage): string {
  const hash = createHash('sha256').update(encodeEnvelope(envelope)).update(traceFields).update(String(bodySizeBytes));
  return hash.digest('base64');
}

/** Its id there; undefined when it turned out to be damaged. */
async function store(from: Spool, to: Spool, message: SpooledMessage): Promise<number | undefined> {
  const writer = to.receive();
  try {
    for await (const chunk of from.openBody(message)) await writer.write(chunk);
    return (await writer.commit(message.envelope, message.traceFields)).id;
  } catch (error) {
    await writer.abort();
    if (isProblem(error, 'spool-damaged')) return undefined;
    throw error;
  }
}

/** What a fresh message lacks; undefined for one that is fresh. */
function stateOf(message: SpooledMessage): Settlement | undefined {
  const { recipients, attempts, nextAttemptAt, suspended, poison, envelope } = message;
  const changes = recipients.flatMap(({ status, lastError, delayNotified }, index): RecipientChange[] =>
    status === 'pending' && lastError === undefined && !delayNotified
      ? []
      : [{ index, status, delayNotified, ...(lastError !== undefined && { lastError }) }],
  );
  const isFresh =
    changes.length === 0 && attempts === 0 && !suspended && nextAttemptAt.getTime() === envelope.receivedAt.getTime();
  if (isFresh) return undefined;
  return { recipients: changes, attempts, nextAttemptAt, suspended, ...(poison && { poison }) };
}
