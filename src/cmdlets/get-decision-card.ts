// Get-DecisionCard: how each message went the way it went, one card for each delivery attempt and each accepted message.
// The list tells it in reading order; Card is the whole card as tracking/decision-card.ts has it, for programs.

import type { DecisionCard } from '../tracking/decision-card.ts';
import { explainReason, type Reason, REASONS } from '../trust/reasons.ts';
import { defineCmdlet } from './cmdlet.ts';
import type { OutputRecord } from './output.ts';
import { limitRecords, RESULT_SIZE, searchSize } from './result-size.ts';
import type { ServerContext } from './server-context.ts';

const OUTCOMES = ['delivered', 'deferred', 'failed', 'accepted', 'refused'] as const;

export const getDecisionCard = defineCmdlet({
  name: 'Get-DecisionCard',
  roles: ['hub', 'edge'],
  synopsis: 'Show how messages travelled and which rule decided it',
  description:
    "One card for each delivery attempt and each accepted message: what was offered, answered and negotiated, who proved to be whom, the rule and its reason. The two servers' cards of one hop have the same NetworkMessageId. Oldest first, unless -Newest is given.",
  examples: [
    'Get-DecisionCard -Newest 5',
    'Get-DecisionCard -MessageId 1@contoso.com --list',
    'Get-DecisionCard -Reason certificate-expired -Outcome delivered',
  ],
  parameters: {
    MessageId: { type: 'string', help: 'The Message-ID, with or without angle brackets' },
    NetworkMessageId: { type: 'string', help: 'The GUID that both servers know the message by' },
    InternalMessageId: { type: 'integer', help: 'The number of the message on this server' },
    Reason: { type: 'enum', choices: Object.keys(REASONS) as readonly Reason[], help: 'Only cards with this reason' },
    Outcome: { type: 'enum', choices: OUTCOMES, help: 'Only cards with this outcome' },
    Newest: { type: 'integer', minimum: 1, help: 'So many of the last ones, the last first' },
    ResultSize: RESULT_SIZE,
  },
  table: ['Time', 'Side', 'Outcome', 'Channel', 'Reason', 'Peer', 'MessageId'],
  changes: false,
  async run({ cards }: ServerContext, { Newest, ResultSize, ...wanted }) {
    const isWanted = compileConditions(wanted);
    const limit = Math.min(Newest ?? Number.POSITIVE_INFINITY, searchSize(ResultSize));
    const found = await cards.find(isWanted, { newestFirst: Newest !== undefined, limit });
    return limitRecords(found.map(describeCard), ResultSize);
  },
});

interface Wanted {
  readonly MessageId: string | undefined;
  readonly NetworkMessageId: string | undefined;
  readonly InternalMessageId: number | undefined;
  readonly Reason: string | undefined;
  readonly Outcome: string | undefined;
}

function compileConditions(wanted: Wanted): (card: DecisionCard) => boolean {
  const { MessageId, NetworkMessageId, InternalMessageId, Reason, Outcome } = wanted;
  return (card) =>
    (MessageId === undefined || isSameId(MessageId, card.messageId)) &&
    (NetworkMessageId === undefined || isSameId(NetworkMessageId, card.networkMessageId)) &&
    (InternalMessageId === undefined || card.internalMessageId === InternalMessageId) &&
    (Reason === undefined || card.reason === Reason) &&
    (Outcome === undefined || card.outcome === Outcome);
}

/** Ids are typed with and without angle brackets, and in any letter case. */
export function isSameId(typed: string, id: string): boolean {
  const fold = (text: string): string => text.replace(/^<(.*)>$/s, '$1').toLowerCase();
  return fold(typed) === fold(id);
}

/** The properties in reading order. */
export function describeCard(card: DecisionCard): OutputRecord {
  const { authentication, events, peer } = card;
  return {
    Time: new Date(card.time),
    ClockOffset: card.clockOffset ?? null,
    Side: card.side,
    Server: card.server,
    Connector: card.connector,
    Peer: peer.name ?? peer.address,
    PeerAddress: peer.address,
    PeerPort: peer.port,
    PeerVia: peer.via ? `${peer.via.protocol} ${peer.via.address}` : null,
    MessageId: card.messageId,
    InternalMessageId: card.internalMessageId ?? null,
    NetworkMessageId: card.networkMessageId,
    ...describeStartTls(card),
    Authentication: authentication?.mechanism ?? null,
    AuthenticationIdentity: authentication?.identity ?? null,
    AuthenticationResult: authentication?.result ?? null,
    Channel: nameChannel(card.channel),
    Policy: card.policy,
    Rule: card.rule,
    Reason: card.reason,
    Explanation: explainReason(card.reason),
    Protection: card.protection,
    Events: events,
    Outcome: card.outcome,
    Detail: card.detail ?? null,
    PassedOver: card.passedOver?.map(({ peer: other, detail }) => `${other}: ${detail}`) ?? [],
    Captures: card.captures ?? [],
    // A card is plain data as it came out of JSON.
    Card: card as unknown as OutputRecord,
  };
}

function describeStartTls({ startTls, tls }: DecisionCard): OutputRecord {
  return {
    StartTlsOffered: startTls.offered ?? null,
    StartTlsAttempted: startTls.attempted,
    TlsVerb: startTls.verb ?? null,
    TlsVerbNotOffered: startTls.notOffered ?? null,
    StartTlsAnswer: startTls.answer ?? null,
    StartTlsFailure: startTls.failure ?? null,
    TlsVersion: tls?.version ?? null,
    TlsCipher: tls?.cipher ?? null,
    LocalThumbprint: tls?.localThumbprint ?? null,
    PeerThumbprint: tls?.peerThumbprint ?? null,
    LocalNotAfter: dateOf(tls?.localNotAfter),
    PeerNotBefore: dateOf(tls?.peerNotBefore),
    PeerNotAfter: dateOf(tls?.peerNotAfter),
  };
}

function dateOf(text: string | undefined): Date | null {
  return text === undefined ? null : new Date(text);
}

/** TLS, plaintext, or none where there was no connection to speak of. */
export function nameChannel(channel: DecisionCard['channel']): string {
  return channel === 'tls' ? 'TLS' : channel;
}
