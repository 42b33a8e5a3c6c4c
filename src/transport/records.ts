// What transport writes down, in one place: a decision card and a tracking line for every attempt and every accepted
// message, and the events that trust's verdicts name.

import { randomUUID } from 'node:crypto';
import type { CapturedSession } from '../capture/tap.ts';
import { type Clock, describeClock } from '../clock.ts';
import type { ReceiveConnector } from '../directory/receive-connector.ts';
import type { SmtpSession } from '../smtp/session-policy.ts';
import type { NewMessage, SpooledMessage } from '../spool/spool.ts';
import type { CardLog } from '../tracking/card-log.ts';
import { certificatesHeld, isReissued } from '../tls/on-record.ts';
import { type DecisionCard, describeTls, protectionOf } from '../tracking/decision-card.ts';
import type { EventLog } from '../tracking/event-log.ts';
import type { MailTally } from '../tracking/mail-tally.ts';
import { createEvent } from '../tracking/events.ts';
import { formatJsonLine } from '../tracking/plain-text.ts';
import type { MessageTracking } from '../tracking/message-tracking.ts';
import type { TrackingEntry, TrackingEventId } from '../tracking/tracking-record.ts';
import { explainReason } from '../trust/reasons.ts';
import { EVENT } from '../trust/tls-policy.ts';
import type { Acceptance } from './acceptance.ts';
import type { Attempt } from './attempt.ts';
import {
  capturesOf,
  describeCaptures,
  describePassedOver,
  EVENT_OF_STATUS,
  secondsUntilDelivery,
  summarize,
} from './card-parts.ts';
import type { Hop, HopFacts, RecipientOutcome } from './hop.ts';
import type { Organisation } from './organisation.ts';
import { describeClientTls, describeReceptionRule } from './reception-record.ts';
import { type Refusal, refusalEvent } from './refusal.ts';

export interface RecordsOptions {
  readonly clock: Clock;
  readonly organisation: () => Organisation;
  readonly cards: Pick<CardLog<DecisionCard>, 'record'>;
  readonly tracking: Pick<MessageTracking, 'record'>;
  readonly events: Pick<EventLog, 'record'>;
  readonly tally: MailTally;
  /** Hears how many seconds after its acceptance a message was delivered. */
  readonly noteDelay?: (seconds: number) => void;
}

/** How a message ended without an attempt. */
interface GivenUp {
  readonly hop: Hop;
  readonly source: 'QUEUE' | 'ADMIN';
  readonly reports: readonly NewMessage[];
}

export class Records {
  readonly #options: RecordsOptions;

  constructor(options: RecordsOptions) {
    this.#options = options;
  }

  /** A message was taken and synced. */
  accepted(acceptance: Acceptance): void {
    const { message, session, connector } = acceptance;
    const captures = session.capture ? [session.capture] : [];
    const card = { ...this.#receiverCard(acceptance), ...describeCaptures(captures) };
    this.#record(card, captures);
    this.#track('RECEIVE', 'SMTP', message, {
      clientIp: session.remoteAddress,
      clientHostname: session.helo ?? '',
      serverHostname: this.#options.organisation().fqdn,
      serverIp: session.localAddress,
      connectorId: connector.name,
      recipients: message.recipients.map(({ address }) => address),
      recipientStatus: message.recipients.map(() => '250 2.1.5 Recipient OK'),
      customData: summarize(card),
    });
  }

  /** One attempt at some recipients of a message, whatever came of it. */
  attempt({ delivery, facts, outcomes, queueName }: Attempt, reports: readonly NewMessage[]): void {
    const { message } = delivery;
    for (const status of new Set(outcomes.map((outcome) => outcome.status))) {
      const group = outcomes.filter((outcome) => outcome.status === status);
      const captures = capturesOf(facts);
      const card = { ...this.#senderCard(message, facts, group), ...describeCaptures(captures) };
      this.#record(card, captures);
      const isMailbox = facts.connector === 'Mailbox delivery' && status === 'delivered';
      this.#track(isMailbox ? 'DELIVER' : EVENT_OF_STATUS[status], isMailbox ? 'STOREDRIVER' : 'SMTP', message, {
        ...this.#where(facts),
        sourceContext: queueName,
        recipients: group.map(({ index }) => message.recipients[index]?.address ?? ''),
        recipientStatus: group.map(({ reply }) => reply),
        customData: summarize(card),
      });
    }
    const waited = secondsUntilDelivery(message, outcomes, this.#options.clock.now());
    if (waited !== undefined) this.#options.noteDelay?.(waited);
    this.#raise(facts);
    this.#told(message, outcomes, reports);
  }

  /** The card goes where cards go, and into what was captured of its sessions. */
  #record(card: DecisionCard, captures: readonly CapturedSession[]): void {
    this.#options.cards.record(card);
    for (const capture of captures) capture.note(formatJsonLine(card));
    this.#options.tally.noteHop(card);
  }

  #keepEntry(entry: TrackingEntry): void {
    this.#options.tracking.record(entry);
    this.#options.tally.noteTracking(entry);
  }

  /** A message ran out of time, or somebody removed it. */
  gaveUp(message: SpooledMessage, outcomes: readonly RecipientOutcome[], { hop, source, reports }: GivenUp): void {
    this.#track('FAIL', source, message, {
      connectorId: hop.connector,
      sourceContext: hop.nextHopDomain,
      recipients: outcomes.map(({ index }) => message.recipients[index]?.address ?? ''),
      recipientStatus: outcomes.map(({ reply }) => reply),
    });
    this.#told(message, outcomes, reports);
  }

  /** Reports that were made about the message. */
  reported(message: SpooledMessage, reports: readonly NewMessage[]): void {
    for (const report of reports) this.#reported(message, report);
  }

  #told(message: SpooledMessage, outcomes: readonly RecipientOutcome[], reports: readonly NewMessage[]): void {
    this.reported(message, reports);
    const failed = outcomes.filter(({ status }) => status === 'failed');
    if (message.envelope.reversePath === '' && failed.length > 0) this.#dropped(message, failed);
  }

  /** A notification that cannot be delivered has nobody to go back to (RFC 5321 §6.1): it ends here, seen. */
  #dropped(message: SpooledMessage, failed: readonly RecipientOutcome[]): void {
    const recipients = failed.map(({ index }) => message.recipients[index]?.address ?? '');
    const recipientStatus = failed.map(({ reply }) => reply);
    this.#track('BADMAIL', 'DSN', message, { recipients, recipientStatus });
    this.#options.events.record(
      createEvent('NotificationDropped', {
        recipients: recipients.join(', '),
        messageId: message.envelope.messageId,
        cause: recipientStatus[0] ?? '',
      }),
    );
  }

  /** A client called itself by a peer's name and could not prove it by certificate. */
  strangeCertificate(session: SmtpSession): void {
    const thumbprint = session.tls?.peerCertificate?.thumbprint ?? 'none';
    this.#options.events.record(
      createEvent('SmtpReceiveDirectTrustFailed', {
        thumbprint,
        remoteAddress: session.remoteAddress,
        cause: explainReason(this.#isReissued(session) ? 'same-key-reissued' : 'certificate-not-trusted'),
      }),
    );
  }

  #isReissued({ tls }: SmtpSession): boolean {
    const { clock, organisation } = this.#options;
    return organisation().peers.some((peer) => isReissued(peer, tls?.peerCertificate, clock.now()));
  }

  /** The same by password. */
  strangePassword(session: SmtpSession, connector: ReceiveConnector): void {
    const identity = session.helo ?? '';
    this.#options.events.record(
      createEvent('ScramAuthenticationFailed', {
        identity,
        remoteAddress: session.remoteAddress,
        connector: connector.name,
      }),
    );
  }

  /** A mail user's password was wrong, or there is no such user. What was said for a name is not kept: it may be a password. */
  refusedLogin(session: SmtpSession, connector: ReceiveConnector, mechanism: string): void {
    this.#options.events.record(
      createEvent('SmtpReceiveAuthenticationFailed', {
        remoteAddress: session.remoteAddress,
        connector: connector.name,
        mechanism,
      }),
    );
  }

  /** A client was not let in, because its source, the connector or the server has as many connections as it may. */
  turnedAway(refusal: Refusal): void {
    this.#options.events.record(refusalEvent(refusal));
  }

  #reported(message: SpooledMessage, report: NewMessage): void {
    this.#keepEntry({
      eventId: 'DSN',
      source: 'DSN',
      messageId: report.envelope.messageId,
      networkMessageId: report.envelope.networkMessageId,
      recipients: report.envelope.recipients.map(({ address }) => address),
      reference: [message.envelope.messageId],
      messageSubject: report.envelope.subject,
      totalBytes: report.body.length,
    });
  }

  #track(
    eventId: TrackingEventId,
    source: TrackingEntry['source'],
    message: SpooledMessage,
    more: Partial<TrackingEntry>,
  ): void {
    const { envelope } = message;
    this.#keepEntry({
      ...more,
      eventId,
      source,
      internalMessageId: message.id,
      messageId: envelope.messageId,
      networkMessageId: envelope.networkMessageId,
      messageSubject: envelope.subject,
      sender: envelope.reversePath,
      returnPath: envelope.reversePath,
      totalBytes: message.bodySizeBytes,
    });
  }

  #where(facts: HopFacts): Partial<TrackingEntry> {
    const { fqdn } = this.#options.organisation();
    return {
      clientHostname: fqdn,
      serverIp: facts.peer.address,
      serverHostname: facts.peer.name ?? '',
      connectorId: facts.connector,
    };
  }

  #cardBase(
    message: SpooledMessage,
  ): Pick<
    DecisionCard,
    'id' | 'time' | 'clockOffset' | 'server' | 'internalMessageId' | 'messageId' | 'networkMessageId'
  > {
    const { clock, organisation } = this.#options;
    const moved = describeClock(clock);
    return {
      id: randomUUID(),
      time: clock.now().toISOString(),
      ...(moved !== undefined && { clockOffset: moved }),
      server: organisation().fqdn,
      internalMessageId: message.id,
      messageId: message.envelope.messageId,
      networkMessageId: message.envelope.networkMessageId,
    };
  }

  #receiverCard({ message, session, connector, reason, offer, isAuthenticated }: Acceptance): DecisionCard {
    const { authentication, tls } = session;
    return {
      ...this.#cardBase(message),
      side: 'receiver',
      connector: connector.name,
      peer: {
        ...(session.helo !== undefined && { name: session.helo }),
        address: session.remoteAddress,
        port: session.remotePort,
        ...(session.via && { via: session.via }),
      },
      policy: 'reception',
      rule: describeReceptionRule(session, offer),
      reason,
      startTls: describeClientTls(session),
      ...(tls && { tls: describeTls(tls) }),
      authentication: authentication && { ...authentication, result: isAuthenticated ? 'recognised' : 'anonymous' },
      channel: tls ? 'tls' : 'plaintext',
      protection: protectionOf(tls !== undefined, isAuthenticated),
      outcome: 'accepted',
      events: [],
    };
  }

  #senderCard(message: SpooledMessage, facts: HopFacts, outcomes: readonly RecipientOutcome[]): DecisionCard {
    const [first] = outcomes;
    const { authentication, passedOver, captures: _, ...rest } = facts;
    return {
      ...this.#cardBase(message),
      side: 'sender',
      ...rest,
      ...(passedOver && { passedOver: passedOver.map(describePassedOver) }),
      authentication,
      outcome: first?.status ?? 'deferred',
      ...(first && { detail: first.reply }),
    };
  }

  /** The events a verdict named, with what is known about the peer; a server that was passed over is no less to be seen to. */
  #raise(facts: HopFacts): void {
    for (const id of facts.events) this.#raiseOne(id, facts);
    for (const { facts: others } of facts.passedOver ?? []) this.#raise(others);
  }

  #raiseOne(id: number, facts: HopFacts): void {
    const { events } = this.#options;
    const server = facts.peer.name ?? facts.peer.address;
    const where = { remoteAddress: facts.peer.address, connector: facts.connector };
    const thumbprint = facts.tls?.peerThumbprint ?? 'none';
    if (id === EVENT.tlsRequiredFailed)
      events.record(
        createEvent('SmtpSendTLSRequiredFailed', {
          connector: facts.connector,
          target: server,
          cause: explainReason(facts.reason),
        }),
      );
    if (id === EVENT.sendAuthenticationFailed)
      events.record(
        createEvent('SmtpSendOutboundAuthenticationFailed', {
          server,
          connector: facts.connector,
          cause: explainReason(facts.reason),
        }),
      );
    if (id === EVENT.sendDirectTrustFailed)
      events.record(
        createEvent('SmtpSendDirectTrustFailed', { thumbprint, ...where, cause: explainReason(facts.reason) }),
      );
    if (id === EVENT.downgradeSuspected)
      events.record(createEvent('PlaintextDowngradeSuspected', { server, ...where }));
    if (id === EVENT.remoteCertificateExpired) this.#raiseAboutRecord(server, facts.tls?.peerThumbprint);
  }

  /** The peer's certificate on record, the one it showed if it showed any: expired, or not valid yet, which points at the clocks. */
  #raiseAboutRecord(server: string, shown: string | undefined): void {
    const { clock, events, organisation } = this.#options;
    const peer = organisation().peers.find(({ fqdn }) => fqdn === server);
    if (!peer) return;
    const held = certificatesHeld(peer).map(({ certificate }) => certificate);
    const certificate = held.find(({ thumbprint }) => thumbprint === shown) ?? peer.certificate;
    const { subject, thumbprint, notAfter, notBefore } = certificate;
    if (clock.now() > notAfter)
      events.record(
        createEvent('RemoteInternalTransportCertificateExpired', { subject, thumbprint, notAfter, server }),
      );
    else events.record(createEvent('ClockSkewSuspected', { server, thumbprint, notBefore, now: clock.now() }));
  }
}
