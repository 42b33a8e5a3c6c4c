// The receiving half: answers the listener's questions. Connector and principal first (accept.ts), then the message is
// streamed into the spool, and the 250 is said only after the spool's commit has returned (RFC 5321 §6.1).

import { setTimeout as delay } from 'node:timers/promises';
import { describeClock } from '../clock.ts';
import type { Log } from '../log.ts';
import { isProblem, messageOf } from '../problem.ts';
import type { Mailbox } from '../smtp/address.ts';
import { BodyFault } from '../smtp/body-framing.ts';
import type { LimitChanges } from '../smtp/listener-limits.ts';
import { REPLIES } from '../smtp/replies.ts';
import type { Reply } from '../smtp/reply.ts';
import type { SaslServer } from '../smtp/sasl.ts';
import type {
  MailCommand,
  Offer,
  RecipientCommand,
  ServerIdentity,
  SessionPolicy,
  SmtpSession,
  Transaction,
} from '../smtp/session-policy.ts';
import type { TlsVerb } from '../smtp/tls-verb.ts';
import type { Spool, SpoolWriter } from '../spool/spool.ts';
import type { Certificate } from '../tls/certificate.ts';
import { offerStartTls, peerReason, receptionReason, type StartTlsOffer } from '../trust/reception.ts';
import { type ReceiveConnector, chooseReceiveConnector, rightsOf } from '../directory/receive-connector.ts';
import {
  isLooping,
  maySendAsAnybody,
  mustBeKnown,
  refuseRecipient,
  refuseSender,
  sizeLimitOf,
  type Standing,
} from './accept.ts';
import { acceptedEnvelope } from './accepted-envelope.ts';
import { readAuthors } from './authors.ts';
import { ClientProof, type ClientProofOptions } from './client-proof.ts';
import { Crowd, type CrowdOptions } from './crowd.ts';
import { HEADER_FAMILIES } from './header-firewall.ts';
import { type IdentityQuestion, offersAnonymousTls } from './identity-question.ts';
import { type Intake, type IntakeTerms, takeIn } from './intake.ts';
import type { MessageFacts } from './message-scan.ts';
import { MessagesUnderWay } from './messages-under-way.ts';
import type { Organisation } from './organisation.ts';
import { type Pressure, refuseForPressure } from './pressure.ts';
import { type RecipientValidation, refuseUnknown } from './recipient-validation.ts';
import { type Acceptance, acceptedReply } from './acceptance.ts';
import { offeredExtensions } from './offered-extensions.ts';
import { refuseForMessageRate, refuseForRecipientRate } from './rates.ts';
import { type ServerLimits, sessionLimits } from './session-limits.ts';
import { formatReceived } from './trace-header.ts';

export interface ReceiveOptions extends ClientProofOptions, Pick<CrowdOptions, 'counts' | 'isAccepting'> {
  readonly log: Log;
  readonly spool: Pick<Spool, 'receive'>;
  /** Certificate and context for a handshake. */
  readonly identityFor: (question: IdentityQuestion) => ServerIdentity | undefined;
  /** The certificate that would be shown; its dates decide whether STARTTLS is offered. */
  readonly certificateFor: (question: IdentityQuestion) => Certificate | undefined;
  readonly expirationMs: number;
  /** How short of disk, memory and time this server is. */
  readonly pressure: () => Pressure;
  readonly serverLimits: () => ServerLimits;
  /** On an Edge. */
  readonly validation?: RecipientValidation | undefined;
}

export class Receiver implements SessionPolicy {
  readonly #options: ReceiveOptions;
  readonly #proof: ClientProof;
  readonly #crowd: Crowd;
  /** The Receive connector that a session fell to; all else is looked up afresh, since the directory may change meanwhile. */
  readonly #connectors = new WeakMap<SmtpSession, ReceiveConnector>();
  readonly #underWay = new MessagesUnderWay();

  constructor(options: ReceiveOptions) {
    this.#options = options;
    this.#proof = new ClientProof(options);
    this.#crowd = new Crowd({
      counts: options.counts,
      isAccepting: options.isAccepting,
      maxConnections: () => options.serverLimits().maxConnections,
      onRefusal: (refusal) => options.records.turnedAway(refusal),
    });
  }

  async connect(session: SmtpSession, end: (reply: Reply) => void): Promise<Reply | undefined> {
    const connector = chooseReceiveConnector(this.#organisation.receiveConnectors, session);
    if (!connector) return REPLIES.connectionRefused;
    this.#connectors.set(session, connector);
    return this.#crowd.enter(session, connector, end);
  }

  limits(session: SmtpSession): LimitChanges {
    return sessionLimits(this.#connectorOf(session), this.#options.serverLimits());
  }

  /** Between the members of the pair a session lasts as long as a busy sender keeps it, and no message is cut off for that. */
  mayFinish(session: SmtpSession): boolean {
    return this.#proof.peerOf(session) !== undefined;
  }

  banner(session: SmtpSession): string {
    const { clock } = this.#options;
    const moved = describeClock(clock);
    const connector = this.#connectorOf(session);
    const custom = connector.banner?.replace(/^220 /, '');
    const suffix = `${moved === undefined ? '' : ` (clock moved ${moved})`}${session.capture ? ' (this session is captured)' : ''}`;
    return `${custom ?? `${this.#fqdnOf(connector)} relaypair ESMTP MAIL service ready at ${clock.now().toUTCString()}`}${suffix}`;
  }

  offer(session: SmtpSession): Offer {
    const connector = this.#connectorOf(session);
    return {
      startTls: this.#startTlsOffer(connector).offered,
      anonymousTls: offersAnonymousTls(connector) && this.#certificateFor(connector, 'X-ANONYMOUSTLS') !== undefined,
      ...this.#proof.mechanismsFor(session, connector),
      ...offeredExtensions(connector),
      sizeLimitBytes: sizeLimitOf(this.#standing(session)),
      requireTls: true,
    };
  }

  secureContext(session: SmtpSession, servername: string | undefined, verb: TlsVerb): ServerIdentity | undefined {
    return this.#options.identityFor(this.#identityQuestion(this.#connectorOf(session), verb, servername));
  }

  /** Nothing is remembered here that STARTTLS would have to undo: what a session proved stands in the session. */
  secured(): void {}

  handshakeFailed(session: SmtpSession, error: { code: string }): void {
    this.#options.log.info(
      { remoteAddress: session.remoteAddress, code: error.code },
      'a TLS handshake with a client failed',
    );
  }

  sasl(session: SmtpSession, mechanism: string): SaslServer | undefined {
    return this.#proof.sasl(session, this.#connectorOf(session), mechanism);
  }

  async mail(session: SmtpSession, command: MailCommand): Promise<Reply | undefined> {
    const reply =
      this.#crowd.refusal ?? this.#proof.refuseLapsed(session) ?? (await this.#judgeSender(session, command));
    if (reply) return this.#slowly(session, reply);
    const { connector, principal } = this.#standing(session);
    const isPeer = this.#proof.peerOf(session) !== undefined;
    if (principal !== 'anonymous') this.#crowd.vouchFor(session, isPeer);
    if (isPeer) return undefined;
    const sender = this.#proof.userOf(session) ?? command.reversePath?.text;
    return refuseForMessageRate(this.#options.counts, { connector, sender, address: session.remoteAddress });
  }

  async #judgeSender(session: SmtpSession, command: MailCommand): Promise<Reply | undefined> {
    const standing = this.#standing(session);
    // A refusal for good comes first: who may not send here need not come back.
    const refusal = refuseSender(standing, command, this.#organisation);
    const refuseNow = () => refuseForPressure(this.#options.pressure(), standing.principal, command.sizeBytes);
    const user = this.#proof.userOf(session);
    if (refusal || user === undefined || maySendAsAnybody(standing)) return refusal ?? refuseNow();
    return (await this.#refuseUser(user, command.reversePath ? [command.reversePath] : [])) ?? refuseNow();
  }

  /** What a mail user hears who writes as these. */
  async #refuseUser(user: string, senders: readonly Mailbox[]): Promise<Reply | undefined> {
    const answer = await this.#proof.mayUserSendAs(user, senders);
    if (answer === 'gone') return REPLIES.authRequired;
    return answer === 'no' ? REPLIES.senderDenied : undefined;
  }

  /** The same by the header (exchange: 5.7.60): readers see From and Sender, not the envelope. */
  async #refuseAuthors(session: SmtpSession, { authorFields }: MessageFacts): Promise<Reply | undefined> {
    const user = this.#proof.userOf(session);
    if (user === undefined || maySendAsAnybody(this.#standing(session))) return undefined;
    const authors = readAuthors(authorFields);
    return authors ? this.#refuseUser(user, authors) : REPLIES.senderDenied;
  }

  async recipient(
    session: SmtpSession,
    _transaction: Transaction,
    command: RecipientCommand,
  ): Promise<Reply | undefined> {
    const reply = this.#proof.refuseLapsed(session) ?? (await this.#judgeRecipient(session, command));
    if (reply) return this.#slowly(session, reply);
    if (this.#proof.peerOf(session)) return undefined;
    return refuseForRecipientRate(this.#options.counts, session.remoteAddress, this.#options.serverLimits());
  }

  /** Who looks for addresses or for an open relay waits for each refusal (exchange: TarpitInterval); who proved something does not. */
  async #slowly(session: SmtpSession, reply: Reply): Promise<Reply> {
    const { connector, principal } = this.#standing(session);
    if (reply.code === 550 && principal === 'anonymous')
      await delay(connector.tarpitIntervalMs, undefined, { ref: false });
    return reply;
  }

  #judgeRecipient(session: SmtpSession, { mailbox }: RecipientCommand): Promise<Reply | undefined> | Reply | undefined {
    const { acceptedDomains } = this.#organisation;
    const standing = this.#standing(session);
    const refusal = refuseRecipient(standing, mailbox, acceptedDomains);
    const { validation } = this.#options;
    if (refusal || validation?.isOn() !== true || !mustBeKnown(standing, mailbox, acceptedDomains)) return refusal;
    return refuseUnknown(validation, mailbox, this.#options.log);
  }

  data(session: SmtpSession, transaction: Transaction, body: AsyncIterable<Buffer>): Promise<Reply> {
    return this.#underWay.count(() => this.#take(session, transaction, body));
  }

  async #take(session: SmtpSession, transaction: Transaction, body: AsyncIterable<Buffer>): Promise<Reply> {
    const writer = this.#options.spool.receive();
    try {
      const intake = await takeIn(writer, body, this.#intakeTerms(session));
      const refusal = isLooping(this.#connectorOf(session), intake.facts)
        ? REPLIES.mailLoop
        : ((await this.#refuseAuthors(session, intake.facts)) ?? this.#proof.refuseLapsed(session));
      if (refusal) {
        await this.#abort(writer);
        return refusal;
      }
      return await this.#commit(session, transaction, { writer, ...intake });
    } catch (error) {
      await this.#abort(writer);
      return this.#explain(error);
    }
  }

  closed(session: SmtpSession): void {
    this.#connectors.delete(session);
    this.#crowd.leave(session);
  }

  get #organisation(): Organisation {
    return this.#options.organisation();
  }

  #connectorOf(session: SmtpSession): ReceiveConnector {
    const connector = this.#connectors.get(session);
    if (!connector) throw new Error('the session was not admitted');
    return connector;
  }

  #fqdnOf(connector: ReceiveConnector): string {
    return connector.fqdn ?? this.#organisation.fqdn;
  }

  #identityQuestion(connector: ReceiveConnector, verb: TlsVerb, servername?: string): IdentityQuestion {
    return { verb, servername, connectorFqdn: this.#fqdnOf(connector), tls: connector };
  }

  #certificateFor(connector: ReceiveConnector, verb: TlsVerb): Certificate | undefined {
    return this.#options.certificateFor(this.#identityQuestion(connector, verb));
  }

  #startTlsOffer(connector: ReceiveConnector): StartTlsOffer {
    if (!connector.authMechanism.includes('Tls')) return { offered: false, reason: 'starttls-not-supported' };
    const own = this.#certificateFor(connector, 'STARTTLS');
    return offerStartTls(own, this.#organisation.transportConfig, this.#options.clock.now());
  }

  #standing(session: SmtpSession): Standing {
    return this.#proof.standingOf(session, this.#connectorOf(session));
  }

  /** What a message of this client may hold (exchange: Ms-Exch-Accept-Headers-Organization and -Forest). */
  #intakeTerms(session: SmtpSession): IntakeTerms {
    const { connector, principal } = this.#standing(session);
    const rights = rightsOf(connector, principal);
    return {
      isPeer: this.#proof.peerOf(session) !== undefined,
      acceptedFamilies: HEADER_FAMILIES.filter((family) => rights.has(`Ms-Exch-Accept-Headers-${family}`)),
      ownName: this.#organisation.fqdn,
      maxHeaderBytes: connector.maxHeaderSizeBytes,
      onProgress: () => this.#crowd.progressed(session),
    };
  }

  async #commit(
    session: SmtpSession,
    transaction: Transaction,
    taken: Intake & { readonly writer: SpoolWriter },
  ): Promise<Reply> {
    // All that the records need is asked for before the spool takes its time: the client may be gone by then.
    const connector = this.#connectorOf(session);
    const isAuthenticated = this.#proof.principalOf(session) !== 'anonymous';
    const offer = this.#startTlsOffer(connector);
    const peer = this.#proof.peerOf(session);
    const envelope = acceptedEnvelope({
      transaction,
      taken,
      connector,
      peer,
      sourceAddress: session.remoteAddress,
      organisation: this.#organisation,
      receivedAt: this.#options.clock.now(),
      expirationMs: this.#options.expirationMs,
    });
    const isVerified = this.#standing(session).principal === 'partner';
    const ofPair = peer && peerReason(session.tls, session.authentication?.mechanism, envelope.receivedAt);
    const reason = receptionReason(session.tls, offer, ofPair ?? (isVerified ? 'tls-verified' : undefined));
    const received = formatReceived({
      helo: session.helo ?? '',
      remoteAddress: session.remoteAddress,
      fqdn: this.#organisation.fqdn,
      localAddress: session.localAddress,
      isEsmtp: session.extended,
      smtpUtf8: envelope.smtpUtf8,
      isAuthenticated,
      tls: session.tls,
      reason,
      id: envelope.networkMessageId,
      time: envelope.receivedAt,
      clockOffset: describeClock(this.#options.clock),
    });
    const { isOne } = this.#underWay;
    const message = await taken.writer.commit(envelope, Buffer.from(received));
    this.#note({ message, session, connector, reason, offer, isAuthenticated });
    this.#crowd.progressed(session);
    await this.#underWay.letGoAhead(isOne);
    return acceptedReply(message, this.#organisation.fqdn);
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
