// A message on its way into the server's hands: streamed into the spool, judged by its header, committed, recorded, and only then
// answered with 250 (RFC 5321 §6.1). Whether its client may hand in anything at all was decided before (receive.ts).

import { describeClock } from '../clock.ts';
import { type ReceiveConnector, rightsOf } from '../directory/receive-connector.ts';
import type { Log } from '../log.ts';
import { isProblem, messageOf } from '../problem.ts';
import { BodyFault } from '../smtp/body-framing.ts';
import { REPLIES } from '../smtp/replies.ts';
import type { Reply } from '../smtp/reply.ts';
import type { SmtpSession, Transaction } from '../smtp/session-policy.ts';
import type { Spool, SpoolWriter } from '../spool/spool.ts';
import { peerReason, receptionReason, type StartTlsOffer } from '../trust/reception.ts';
import { isLooping } from './accept.ts';
import { type Acceptance, acceptedReply } from './acceptance.ts';
import { acceptedEnvelope } from './accepted-envelope.ts';
import { readAuthors } from './authors.ts';
import type { ClientProof, ClientProofOptions } from './client-proof.ts';
import { HEADER_FAMILIES } from './header-firewall.ts';
import { type Intake, type IntakeTerms, takeIn } from './intake.ts';
import type { MessageFacts } from './message-scan.ts';
import { MessagesUnderWay } from './messages-under-way.ts';
import { formatReceived } from './trace-header.ts';

export interface AcceptorOptions extends Pick<ClientProofOptions, 'clock' | 'organisation' | 'records'> {
  readonly log: Log;
  readonly spool: Pick<Spool, 'receive'>;
  /** How long a message is tried. */
  readonly expirationMs: number;
}

/** What the receiver knows of the client that hands a message in. */
export interface Client {
  readonly session: SmtpSession;
  readonly connector: ReceiveConnector;
  /** Whether STARTTLS is offered at this moment, and why not. */
  readonly startTlsOffer: () => StartTlsOffer;
  /** Called now and then while the message comes, and when it is in the spool. */
  readonly onProgress: () => void;
}

export class Acceptor {
  readonly #options: AcceptorOptions;
  readonly #proof: ClientProof;
  readonly #underWay = new MessagesUnderWay();

  constructor(options: AcceptorOptions, proof: ClientProof) {
    this.#options = options;
    this.#proof = proof;
  }

  /** Takes the whole of `body`; resolves with what the client hears. Never rejects: what cannot be stored is a 4xx. */
  take(client: Client, transaction: Transaction, body: AsyncIterable<Buffer>): Promise<Reply> {
    return this.#underWay.count(() => this.#take(client, transaction, body));
  }

  async #take(client: Client, transaction: Transaction, body: AsyncIterable<Buffer>): Promise<Reply> {
    const writer = this.#options.spool.receive();
    try {
      const intake = await takeIn(writer, body, this.#intakeTerms(client));
      const refusal = await this.#refuse(client, intake.facts);
      if (refusal) {
        await this.#abort(writer);
        return refusal;
      }
      return await this.#commit(client, transaction, { writer, ...intake });
    } catch (error) {
      await this.#abort(writer);
      return this.#explain(error);
    }
  }

  /** What a client hears whose message is all there and is not wanted. */
  async #refuse({ session, connector }: Client, facts: MessageFacts): Promise<Reply | undefined> {
    if (isLooping(connector, facts)) return REPLIES.mailLoop;
    return (await this.#refuseAuthors(session, connector, facts)) ?? this.#proof.refuseLapsed(session);
  }

  /** A mail user by the header (exchange: 5.7.60): readers see From and Sender, not the envelope. */
  async #refuseAuthors(
    session: SmtpSession,
    connector: ReceiveConnector,
    { authorFields }: MessageFacts,
  ): Promise<Reply | undefined> {
    const user = this.#proof.boundUserOf(session, connector);
    if (user === undefined) return undefined;
    const authors = readAuthors(authorFields);
    return authors ? this.#proof.refuseUser(user, authors) : REPLIES.senderDenied;
  }

  /** What a message of this client may hold (exchange: Ms-Exch-Accept-Headers-Organization and -Forest). */
  #intakeTerms({ session, connector, onProgress }: Client): IntakeTerms {
    const rights = rightsOf(connector, this.#proof.standingOf(session, connector).principal);
    return {
      isPeer: this.#proof.peerOf(session) !== undefined,
      acceptedFamilies: HEADER_FAMILIES.filter((family) => rights.has(`Ms-Exch-Accept-Headers-${family}`)),
      ownName: this.#options.organisation().fqdn,
      maxHeaderBytes: connector.maxHeaderSizeBytes,
      onProgress,
    };
  }

  async #commit(
    { session, connector, startTlsOffer, onProgress }: Client,
    transaction: Transaction,
    taken: Intake & { readonly writer: SpoolWriter },
  ): Promise<Reply> {
    // All that the records need is asked for before the spool takes its time: the client may be gone by then.
    const { clock, expirationMs } = this.#options;
    const organisation = this.#options.organisation();
    const isAuthenticated = this.#proof.principalOf(session) !== 'anonymous';
    const offer = startTlsOffer();
    const peer = this.#proof.peerOf(session);
    const envelope = acceptedEnvelope({
      transaction,
      taken,
      connector,
      peer,
      sourceAddress: session.remoteAddress,
      organisation,
      receivedAt: clock.now(),
      expirationMs,
    });
    const isVerified = this.#proof.standingOf(session, connector).principal === 'partner';
    const ofPair = peer && peerReason(session.tls, session.authentication?.mechanism, envelope.receivedAt);
    const reason = receptionReason(session.tls, offer, ofPair ?? (isVerified ? 'tls-verified' : undefined));
    const received = formatReceived({
      helo: session.helo ?? '',
      remoteAddress: session.remoteAddress,
      fqdn: organisation.fqdn,
      localAddress: session.localAddress,
      isEsmtp: session.extended,
      smtpUtf8: envelope.smtpUtf8,
      isAuthenticated,
      tls: session.tls,
      reason,
      id: envelope.networkMessageId,
      time: envelope.receivedAt,
      clockOffset: describeClock(clock),
    });
    const { isOne } = this.#underWay;
    const message = await taken.writer.commit(envelope, Buffer.from(received));
    this.#note({ message, session, connector, reason, offer, isAuthenticated });
    onProgress();
    await this.#underWay.letGoAhead(isOne);
    return acceptedReply(message, organisation.fqdn);
  }

  /** What is stored is ours, whatever becomes of the records: anything but a 250 would bring the message again. */
  #note(acceptance: Acceptance): void {
    try {
      this.#options.records.accepted(acceptance);
    } catch (error) {
      this.#options.log.error({ error: messageOf(error) }, 'a message taken could not be written into the records');
    }
  }

  async #abort(writer: SpoolWriter): Promise<void> {
    try {
      await writer.abort();
    } catch (error) {
      this.#options.log.error({ error: messageOf(error) }, 'what was taken of a message could not be removed');
    }
  }

  /** What the client reads when the message could not be taken; the log has the reason. */
  #explain(error: unknown): Reply {
    if (error instanceof BodyFault) return error.reply;
    this.#options.log.error({ error: messageOf(error) }, 'a message could not be taken');
    return isProblem(error, 'spool-unavailable') ? REPLIES.insufficientResources : REPLIES.localError;
  }
}
