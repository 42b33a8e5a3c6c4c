// The receiving half: answers the listener's questions. Connector and principal first (accept.ts), then each sender and recipient,
// and the message itself is taken by the acceptor (acceptor.ts).

import { setTimeout as delay } from 'node:timers/promises';
import { describeClock } from '../clock.ts';
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
import type { Certificate } from '../tls/certificate.ts';
import { offerStartTls, type StartTlsOffer } from '../trust/reception.ts';
import { type ReceiveConnector, chooseReceiveConnector } from '../directory/receive-connector.ts';
import { mustBeKnown, refuseRecipient, refuseSender, sizeLimitOf, type Standing } from './accept.ts';
import { Acceptor, type AcceptorOptions, type Client } from './acceptor.ts';
import { ClientProof, type ClientProofOptions } from './client-proof.ts';
import { Crowd, type CrowdOptions } from './crowd.ts';
import { type IdentityQuestion, offersAnonymousTls } from './identity-question.ts';
import type { Organisation } from './organisation.ts';
import { type Pressure, refuseForPressure } from './pressure.ts';
import { type RecipientValidation, refuseUnknown } from './recipient-validation.ts';
import { offeredExtensions } from './offered-extensions.ts';
import { refuseForMessageRate, refuseForRecipientRate } from './rates.ts';
import { type ServerLimits, sessionLimits } from './session-limits.ts';

export interface ReceiveOptions
  extends AcceptorOptions,
    ClientProofOptions,
    Pick<CrowdOptions, 'counts' | 'isAccepting'> {
  /** Certificate and context for a handshake. */
  readonly identityFor: (question: IdentityQuestion) => ServerIdentity | undefined;
  /** The certificate that would be shown; its dates decide whether STARTTLS is offered. */
  readonly certificateFor: (question: IdentityQuestion) => Certificate | undefined;
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
  readonly #acceptor: Acceptor;

  constructor(options: ReceiveOptions) {
    this.#options = options;
    this.#proof = new ClientProof(options);
    this.#acceptor = new Acceptor(options, this.#proof);
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
    const user = this.#proof.boundUserOf(session, standing.connector);
    if (refusal || user === undefined) return refusal ?? refuseNow();
    return (await this.#proof.refuseUser(user, command.reversePath ? [command.reversePath] : [])) ?? refuseNow();
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
    const connector = this.#connectorOf(session);
    const client: Client = {
      session,
      connector,
      startTlsOffer: () => this.#startTlsOffer(connector),
      onProgress: () => this.#crowd.progressed(session),
    };
    return this.#acceptor.take(client, transaction, body);
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
}
