// Opens a hop, whichever kind it is, and hands messages over. Which of its servers is used is server-search.ts' affair; what
// becomes of each recipient is said as a value, for settlement.ts.

import type { OutgoingMessage, SenderSession } from '../smtp/sender.ts';
import { bodyBlocks } from '../spool/body-blocks.ts';
import {
  factsWithoutPeer,
  formatReply,
  type Hop,
  type HopConnection,
  type HopFacts,
  type OpenedHop,
  type Parcel,
  type PassedOver,
  type RecipientOutcome,
} from './hop.ts';
import { openDrillHop } from './drill-hop.ts';
import { deliverToMaildir } from './maildir.ts';
import type { DeliveryContext } from './delivery-context.ts';
import { publicBody } from './header-firewall.ts';
import { findServer, type Search } from './server-search.ts';
import type { OpenedSmtp } from './smtp-hop.ts';
import { formatNetworkMessageId } from './trace-header.ts';

/** Opens a way to the hop, or says why there is none now. Never rejects for anything a peer or a name server does. */
export function openHop(context: DeliveryContext, hop: Hop, hasWaited: boolean): Promise<OpenedHop> {
  if (hop.kind === 'unreachable') {
    return Promise.resolve({ kind: 'deferred', facts: factsWithoutPeer(hop), reply: `451 4.4.0 ${hop.lastError}` });
  }
  if (hop.kind === 'mailbox' && hop.target.kind === 'maildir') {
    return Promise.resolve({ kind: 'ready', connection: new MaildirConnection(hop, hop.target.folder) });
  }
  if (hop.kind === 'drill') return Promise.resolve(openDrillHop(context.drills, hop));
  return openServer({ context, hop, hasWaited });
}

async function openServer(search: Search): Promise<OpenedHop> {
  const found = await findServer(search);
  if (found.kind === 'deferred') return { kind: 'deferred', facts: found.facts, reply: found.reply };
  if (found.kind === 'refused') return { kind: 'ready', connection: new RefusingConnection(found) };
  return { kind: 'ready', connection: new SmtpHopConnection(found, search.hop) };
}

/** Messages over one SMTP or LMTP session. */
class SmtpHopConnection implements HopConnection {
  readonly facts: HopFacts;
  readonly #session: SenderSession;
  readonly #hop: Hop;

  constructor(opened: Extract<OpenedSmtp, { kind: 'ready' }>, hop: Hop) {
    this.facts = opened.facts;
    this.#session = opened.session;
    this.#hop = hop;
  }

  get alive(): boolean {
    return this.#session.alive;
  }

  async deliver(parcel: Parcel): Promise<readonly RecipientOutcome[]> {
    const result = await this.#session.send(outgoingMessage(parcel, this.#hop, this.facts));
    return parcel.indexes.map((index, position) => {
      const recipient = result.recipients[position];
      if (!recipient) return { index, status: 'deferred', reply: '451 4.4.2 The connection was lost', isLocal: true };
      // 530 asks for TLS or authentication first (RFC 3207 §4, RFC 4954 §6): two settings disagree, and the message waits.
      const status = recipient.reply.code === 530 ? 'deferred' : recipient.status;
      const reply = formatReply(recipient.reply);
      return {
        index,
        status,
        reply,
        ...(recipient.local && { isLocal: true }),
        ...(status === 'delivered' && this.#success()),
      };
    });
  }

  /** RFC 3461 §5.2.1 to §5.2.3: who takes the DSN parameters reports; LMTP delivers (RFC 2033), SMTP hands on. */
  #success(): Pick<RecipientOutcome, 'successAction'> {
    if (this.#session.capabilities.has('DSN')) return {};
    const isLmtp = this.#hop.kind === 'mailbox' && this.#hop.target.kind === 'lmtp';
    return { successAction: isLmtp ? 'delivered' : 'relayed' };
  }

  close(): Promise<void> {
    return this.#session.quit();
  }

  destroy(): void {
    this.#session.destroy();
  }
}

/** The id that joins both hops' records goes in front, and internal fields stay in, but only to a member of the pair. */
function outgoingMessage(parcel: Parcel, hop: Hop, facts: HopFacts): OutgoingMessage {
  const { message, indexes } = parcel;
  const isPair = hop.kind === 'pair';
  const { envelope } = message;
  const { sizeBytes, openBody } = isPair
    ? { sizeBytes: message.bodySizeBytes, openBody: parcel.openBody }
    : publicBody(message, parcel.openBody);
  const chunk = chooseChunk(hop, facts);
  const prefix = Buffer.concat([
    Buffer.from(isPair ? formatNetworkMessageId(envelope.networkMessageId) : ''),
    message.traceFields,
  ]);
  return {
    reversePath: envelope.reversePath,
    recipients: indexes.flatMap((index) => message.recipients[index] ?? []),
    sizeBytes: prefix.length + sizeBytes,
    eightBit: envelope.eightBit,
    binaryMime: envelope.binaryMime ?? false,
    ...(chunk && { chunk }),
    smtpUtf8: envelope.smtpUtf8,
    ...(envelope.requireTls === true && {
      requireTls: isDemanded(facts.policy, envelope) ? 'demanded' : 'where-offered',
    }),
    ...(envelope.ret && { ret: envelope.ret }),
    ...(envelope.envelopeId !== undefined && { envelopeId: envelope.envelopeId }),
    body: () => prepend(prefix, openBody),
    giveBack: (piece) => bodyBlocks.giveBack(piece),
  };
}

/**
 * A member of the pair hardly ever refuses, and throws away what it was sent in vain. Where somebody looks on, in clear or by a capture, a
 * message goes by DATA: packet analysers show what is in that, and not what comes in chunks.
 */
export function chooseChunk(
  hop: Pick<Hop, 'kind' | 'chunking'>,
  { channel, captures }: Pick<HopFacts, 'channel' | 'captures'>,
): OutgoingMessage['chunk'] {
  if (hop.kind === 'pair' && channel === 'tls' && !captures) return 'with-envelope';
  return hop.chunking === true ? 'after-envelope' : undefined;
}

/** A report is sent all the same (RFC 8689 §5), and so is what does not leave the machine. */
function isDemanded(policy: string, { reversePath }: Pick<Parcel['message']['envelope'], 'reversePath'>): boolean {
  return policy === 'sender-requires-tls' && reversePath !== '';
}

/** `prefix`, then the body, which is opened first: it keeps whoever reads until the message is certain to stay, so that nothing went before. */
export async function* prepend(prefix: Buffer, openBody: () => AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let isFirst = true;
  for await (const piece of openBody()) {
    if (isFirst) yield prefix;
    isFirst = false;
    yield piece;
  }
  if (isFirst) yield prefix;
}

/** The way to a domain that takes no mail, or is none: whatever is handed over fails, and nothing is sent anywhere. */
class RefusingConnection implements HopConnection {
  readonly facts: HopFacts;
  readonly alive = true;
  readonly #reply: string;

  constructor({ facts, reply }: PassedOver) {
    this.facts = facts;
    this.#reply = reply;
  }

  deliver({ indexes }: Parcel): Promise<readonly RecipientOutcome[]> {
    return Promise.resolve(indexes.map((index) => ({ index, status: 'failed', reply: this.#reply, isLocal: true })));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  destroy(): void {}
}

/** Messages into folders: no peer, no wire. */
class MaildirConnection implements HopConnection {
  readonly facts: HopFacts;
  readonly alive = true;
  readonly #folder: string;

  constructor(hop: Hop, folder: string) {
    this.facts = { ...factsWithoutPeer(hop, 'maildir'), reason: 'local-delivery' };
    this.#folder = folder;
  }

  async deliver({ message, indexes, openBody }: Parcel): Promise<readonly RecipientOutcome[]> {
    const outcomes: RecipientOutcome[] = [];
    for (const index of indexes) {
      const recipient = message.recipients[index]?.address ?? '';
      outcomes.push({ index, ...(await this.#deliverTo(recipient, message, openBody)) });
    }
    return outcomes;
  }

  async #deliverTo(
    recipient: string,
    message: Parcel['message'],
    openBody: () => AsyncIterable<Buffer>,
  ): Promise<Omit<RecipientOutcome, 'index'>> {
    try {
      await deliverToMaildir({
        folder: this.#folder,
        recipient,
        reversePath: message.envelope.reversePath,
        networkMessageId: message.envelope.networkMessageId,
        receivedAt: message.envelope.receivedAt,
        body: () => prepend(message.traceFields, publicBody(message, openBody).openBody),
      });
      return { status: 'delivered', reply: '250 2.1.5 Recipient OK', isLocal: true, successAction: 'delivered' };
    } catch (error) {
      const { code = 'error' } = error as NodeJS.ErrnoException;
      const reply = `451 4.3.0 The message cannot be written into its mailbox folder (${code})`;
      return { status: 'deferred', reply, isLocal: true };
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  destroy(): void {}
}
