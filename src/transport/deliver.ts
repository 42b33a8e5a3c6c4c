// Opens a hop, whichever kind it is, and hands messages over. Addresses are tried in turn until one can be used; a hop whose
// members disagree with the directory is not unreachable, it is deferred with the reason.

import { Readable } from 'node:stream';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { isProblem } from '../problem.ts';
import type { OutgoingMessage, SenderSession } from '../smtp/sender.ts';
import type { KeyPair } from '../tls/certificate-store.ts';
import {
  factsWithoutPeer,
  formatReply,
  type Hop,
  type HopConnection,
  type HopFacts,
  type OpenedHop,
  type Parcel,
  type RecipientOutcome,
} from './hop.ts';
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
      return openFirst({ context, hop, hasWaited, port: hop.port, candidates: hop.peers.map(pairCandidate) });
    case 'smart-host':
      return openFirst({ context, hop, hasWaited, port: hop.port, candidates: hop.hosts.map(strangerCandidate) });
    case 'mailbox':
      return openMailbox(context, hop, hasWaited);
    default:
      return Promise.resolve({ kind: 'deferred', facts: factsWithoutPeer(hop), reply: `451 4.4.0 ${hop.lastError}` });
  }
}

function openMailbox(
  context: DeliveryContext,
  hop: Extract<Hop, { kind: 'mailbox' }>,
  hasWaited: boolean,
): Promise<OpenedHop> {
  const { target } = hop;
  if (target.kind === 'maildir') {
    return Promise.resolve({ kind: 'ready', connection: new MaildirConnection(hop, target.folder) });
  }
  return openFirst({ context, hop, hasWaited, port: target.port, candidates: [strangerCandidate(target.host)] });
}

interface Candidate {
  readonly host: string;
  readonly peer: Peer | undefined;
}

function pairCandidate(peer: Peer): Candidate {
  return { host: peer.fqdn, peer };
}

function strangerCandidate(host: string): Candidate {
  return { host, peer: undefined };
}

/** What one search for a usable server needs. */
interface Search {
  readonly context: DeliveryContext;
  readonly hop: Exclude<Hop, { kind: 'unreachable' }>;
  readonly hasWaited: boolean;
  readonly port: number;
  readonly candidates: readonly Candidate[];
}

async function openFirst(search: Search): Promise<OpenedHop> {
  const facts = factsWithoutPeer(search.hop);
  let last: OpenedHop = { kind: 'deferred', facts, reply: '451 4.4.0 No server is known for this next hop' };
  for (const candidate of search.candidates) {
    last = await openCandidate(search, candidate);
    if (last.kind === 'ready') break;
  }
  return last;
}

async function openCandidate(search: Search, candidate: Candidate): Promise<OpenedHop> {
  const { context, hop, port } = search;
  const facts = factsWithoutPeer(hop, candidate.host);
  const addresses = await addressesOf(context, candidate.host, port);
  if (typeof addresses === 'string') return { kind: 'deferred', facts, reply: addresses };
  let last: OpenedHop = { kind: 'deferred', facts, reply: `451 4.4.0 No address is known for ${candidate.host}` };
  for (const address of addresses) {
    const opened = await openAddress(search, address, candidate.peer);
    if (opened.kind === 'ready') {
      return { kind: 'ready', connection: new SmtpHopConnection(opened, candidate.peer !== undefined) };
    }
    last = opened;
    // A server that was reached and judged has answered for its name: its other addresses are the same server.
    if (opened.isReachable) break;
  }
  return last;
}

function openAddress(
  { context, hop, hasWaited }: Search,
  address: Address,
  peer: Peer | undefined,
): Promise<OpenedSmtp> {
  const organisation = context.organisation();
  return openSmtpHop({
    address,
    peer,
    hasWaited,
    stance: hop.kind === 'mailbox' ? 'opportunistic' : hop.stance,
    connector: hop.connector,
    name: hop.kind === 'smart-host' ? hop.name : organisation.fqdn,
    own: context.ownKeyPair(),
    settings: organisation.transportConfig,
    now: () => context.clock.now(),
    lmtp: hop.kind === 'mailbox' && hop.target.kind === 'lmtp',
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
      // 530 asks for TLS or authentication first (RFC 3207 §4, RFC 4954 §6): two settings disagree, and the message waits.
      const status = recipient.reply.code === 530 ? 'deferred' : recipient.status;
      return { index, status, reply: formatReply(recipient.reply) };
    });
  }

  close(): Promise<void> {
    return this.#session.quit();
  }

  destroy(): void {
    this.#session.destroy();
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
    body: () => prepend(prefix, openBody),
  };
}

/**
 * `prefix`, then the body, as one stream that ends and fails as the body does. The body is opened when it is its turn, and
 * closed when this stream is destroyed.
 */
export function prepend(prefix: Buffer, openBody: () => Readable): Readable {
  const chunks = async function* (): AsyncGenerator<Buffer> {
    yield prefix;
    for await (const chunk of openBody()) yield chunk as Buffer;
  };
  return Readable.from(chunks(), { objectMode: false });
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
    openBody: () => Readable,
  ): Promise<Omit<RecipientOutcome, 'index'>> {
    try {
      await deliverToMaildir({
        folder: this.#folder,
        recipient,
        reversePath: message.envelope.reversePath,
        networkMessageId: message.envelope.networkMessageId,
        receivedAt: message.envelope.receivedAt,
        body: () => prepend(message.traceFields, openBody),
      });
      return { status: 'delivered', reply: '250 2.1.5 Recipient OK' };
    } catch (error) {
      const { code = 'error' } = error as NodeJS.ErrnoException;
      return { status: 'deferred', reply: `451 4.3.0 The message cannot be written into its mailbox folder (${code})` };
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  destroy(): void {}
}
