// Opens a hop, whichever kind it is, and hands messages over. Addresses are tried in turn until one can be used; a hop whose
// members disagree with the directory is not unreachable, it is deferred with the reason.

import { Readable } from 'node:stream';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { isProblem } from '../problem.ts';
import type { Reply } from '../smtp/reply.ts';
import type { OutgoingMessage, SenderSession } from '../smtp/sender.ts';
import type { KeyPair } from '../tls/certificate-store.ts';
import type { Hop, HopConnection, HopFacts, OpenedHop, Parcel, RecipientOutcome } from './hop.ts';
import { deliverToMaildir } from './maildir.ts';
import { type Address, type AddressBook, findAddresses } from './next-hop.ts';
import type { Organisation, Peer } from './organisation.ts';
import { type OpenedSmtp, openSmtpHop } from './smtp-hop.ts';
import { formatNetworkMessageId } from './trace-header.ts';

export interface DeliveryContext {
  readonly clock: Clock;
  readonly log: Log;
  readonly organisation: () => Organisation;
  readonly addressBook: AddressBook;
  readonly handshakeTimeoutMs: number;
  /** The internal transport certificate with its key, at the moment of asking. */
  readonly ownKeyPair: () => KeyPair | undefined;
}

/** Opens a way to the hop, or says why there is none now. Never rejects for anything a peer or a name server does. */
export function openHop(context: DeliveryContext, hop: Hop, hasWaited: boolean): Promise<OpenedHop> {
  switch (hop.kind) {
    case 'pair':
      return openFirst(
        context,
        hop,
        hasWaited,
        hop.peers.map((peer) => ({ host: peer.fqdn, peer })),
      );
    case 'smart-host':
      return openFirst(
        context,
        hop,
        hasWaited,
        hop.hosts.map((host) => ({ host, peer: undefined })),
      );
    case 'mailbox':
      return openMailbox(context, hop, hasWaited);
    default:
      return Promise.resolve({ kind: 'deferred', facts: noFacts(hop), reply: hop.lastError });
  }
}

interface Candidate {
  readonly host: string;
  readonly peer: Peer | undefined;
}

async function openFirst(
  context: DeliveryContext,
  hop: Extract<Hop, { kind: 'pair' | 'smart-host' }>,
  hasWaited: boolean,
  candidates: readonly Candidate[],
): Promise<OpenedHop> {
  let last: OpenedHop = {
    kind: 'deferred',
    facts: noFacts(hop),
    reply: '451 4.4.0 No server is known for this next hop',
  };
  for (const { host, peer } of candidates) {
    const addresses = await addressesOf(context, host, hop.port);
    if (typeof addresses === 'string') last = { kind: 'deferred', facts: noFacts(hop, host), reply: addresses };
    else {
      for (const address of addresses) {
        const opened = await openAddress(context, hop, { address, peer, hasWaited });
        if (opened.kind === 'ready')
          return { kind: 'ready', connection: new SmtpHopConnection(opened, peer !== undefined) };
        last = opened;
        // A server that was reached and judged has answered for its name: its other addresses are the same server.
        if (opened.isReachable) break;
      }
    }
  }
  return last;
}

function openAddress(
  context: DeliveryContext,
  hop: Extract<Hop, { kind: 'pair' | 'smart-host' }>,
  target: { address: Address; peer: Peer | undefined; hasWaited: boolean },
): Promise<OpenedSmtp> {
  const organisation = context.organisation();
  return openSmtpHop({
    ...target,
    stance: hop.stance,
    connector: hop.connector,
    name: hop.kind === 'smart-host' ? hop.name : organisation.fqdn,
    own: context.ownKeyPair(),
    settings: organisation.transportConfig,
    now: () => context.clock.now(),
    lmtp: false,
    handshakeTimeoutMs: context.handshakeTimeoutMs,
    log: context.log,
  });
}

/** A sentence instead of addresses when the name is not known. */
async function addressesOf(context: DeliveryContext, host: string, port: number): Promise<readonly Address[] | string> {
  try {
    return await findAddresses(context.addressBook, host, port);
  } catch (error) {
    if (isProblem(error, 'host-not-found')) return `451 4.4.0 ${error.message}`;
    throw error;
  }
}

async function openMailbox(
  context: DeliveryContext,
  hop: Extract<Hop, { kind: 'mailbox' }>,
  hasWaited: boolean,
): Promise<OpenedHop> {
  const { target } = hop;
  if (target.kind === 'maildir') return { kind: 'ready', connection: new MaildirConnection(hop, target.folder) };
  const organisation = context.organisation();
  const addresses = await addressesOf(context, target.host, target.port);
  if (typeof addresses === 'string') return { kind: 'deferred', facts: noFacts(hop, target.host), reply: addresses };
  let last: OpenedHop = { kind: 'deferred', facts: noFacts(hop, target.host), reply: '451 4.4.0 No address' };
  for (const address of addresses) {
    const opened = await openSmtpHop({
      address,
      peer: undefined,
      stance: 'opportunistic',
      connector: hop.connector,
      name: organisation.fqdn,
      own: undefined,
      settings: organisation.transportConfig,
      now: () => context.clock.now(),
      hasWaited,
      lmtp: target.kind === 'lmtp',
      handshakeTimeoutMs: context.handshakeTimeoutMs,
      log: context.log,
    });
    if (opened.kind === 'ready') return { kind: 'ready', connection: new SmtpHopConnection(opened, false) };
    last = opened;
  }
  return last;
}

function noFacts(hop: Hop, name?: string): HopFacts {
  return {
    connector: hop.connector,
    peer: { ...(name !== undefined && { name }), address: '', port: 0 },
    policy: 'none',
    rule: 'none',
    reason: 'connection-failed',
    startTls: { offered: undefined, attempted: false },
    channel: 'none',
    protection: 'none',
    events: [],
  };
}

/** Messages over one SMTP or LMTP session. */
class SmtpHopConnection implements HopConnection {
  readonly facts: HopFacts;
  readonly #session: SenderSession;
  readonly #isPair: boolean;

  constructor(opened: Extract<OpenedSmtp, { kind: 'ready' }>, isPair: boolean) {
    this.facts = opened.facts;
    this.#session = opened.session;
    this.#isPair = isPair;
  }

  get alive(): boolean {
    return this.#session.alive;
  }

  async deliver(parcel: Parcel): Promise<readonly RecipientOutcome[]> {
    const result = await this.#session.send(outgoingMessage(parcel, this.#isPair));
    return parcel.indexes.map((index, position) => {
      const recipient = result.recipients[position];
      if (!recipient) return { index, status: 'deferred', reply: '451 4.4.2 The connection was lost' };
      return { index, status: recipient.status, reply: formatReply(recipient.reply) };
    });
  }

  close(): Promise<void> {
    return this.#session.quit();
  }
}

/** The id that joins both hops' records goes in front, but only to a member of the pair. */
function outgoingMessage({ message, indexes, openBody }: Parcel, isPair: boolean): OutgoingMessage {
  const { envelope } = message;
  const prefix = Buffer.concat([
    Buffer.from(isPair ? formatNetworkMessageId(envelope.networkMessageId) : ''),
    message.traceFields,
  ]);
  return {
    reversePath: envelope.reversePath,
    recipients: indexes.flatMap((index) => message.recipients[index] ?? []),
    sizeBytes: prefix.length + message.bodySizeBytes,
    eightBit: envelope.eightBit,
    smtpUtf8: envelope.smtpUtf8,
    ...(envelope.ret && { ret: envelope.ret }),
    ...(envelope.envelopeId !== undefined && { envelopeId: envelope.envelopeId }),
    body: () => prepend(prefix, openBody()),
  };
}

/** `prefix`, then the body, as one stream that ends and fails as the body does. */
export function prepend(prefix: Buffer, body: Readable): Readable {
  const chunks = async function* (): AsyncGenerator<Buffer> {
    yield prefix;
    for await (const chunk of body) yield chunk as Buffer;
  };
  return Readable.from(chunks(), { objectMode: false });
}

export function formatReply(reply: Reply): string {
  return [String(reply.code), reply.enhanced, reply.text].filter((part) => part !== '').join(' ');
}

/** Messages into folders: no peer, no wire. */
class MaildirConnection implements HopConnection {
  readonly facts: HopFacts;
  readonly alive = true;
  readonly #folder: string;

  constructor(hop: Hop, folder: string) {
    this.facts = { ...noFacts(hop, 'maildir'), reason: 'local-delivery' };
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
    openBody: () => Readable,
  ): Promise<Omit<RecipientOutcome, 'index'>> {
    try {
      await deliverToMaildir({
        folder: this.#folder,
        recipient,
        reversePath: message.envelope.reversePath,
        networkMessageId: message.envelope.networkMessageId,
        receivedAt: message.envelope.receivedAt,
        body: () => prepend(message.traceFields, openBody()),
      });
      return { status: 'delivered', reply: '250 2.1.5 Recipient OK' };
    } catch (error) {
      return {
        status: 'deferred',
        reply: `451 4.3.0 The mailbox folder cannot be written (${(error as NodeJS.ErrnoException).code ?? 'error'})`,
      };
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
