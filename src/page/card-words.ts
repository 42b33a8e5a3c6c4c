// A decision card in words: label and sentence, in the order in which it is asked. Pure.

import type { DecisionCard, StartTlsFacts } from '../tracking/decision-card.ts';
import { say, texts } from './texts.ts';
import { formatMoment, formatSpan, writeInstant } from './times.ts';
import { groupThumbprint } from './trust-facts.ts';

/** A line of the card; `isCode` for what is to be compared letter by letter. */
export interface CardLine {
  readonly label: string;
  readonly says: string;
  readonly isCode?: boolean;
  /** Something that should not be so. */
  readonly isBad?: boolean;
}

const words = texts.trail;

export function describeCard(card: DecisionCard): readonly CardLine[] {
  return [
    line(
      words.time,
      `${writeInstant(card.time)}${card.clockOffset === undefined ? '' : ` (${say(texts.clock, { offset: card.clockOffset })})`}`,
    ),
    line(words.peer, describePeer(card)),
    line(words.connector, card.connector),
    line(words.rule, card.rule === card.policy ? card.rule : `${card.rule} (${card.policy})`),
    line(words.startTls, describeStartTls(card.startTls, card.channel)),
    ...describeSession(card),
    line(words.authentication, describeAuthentication(card)),
    line(words.protection, words.protections[card.protection]),
    ...(card.passedOver ?? []).map(({ peer, reason, detail }) =>
      line(words.passedOver, `${peer}: ${reason}. ${detail}`),
    ),
    ...(card.events.length === 0 ? [] : [line(words.events, card.events.join(', '))]),
  ];
}

function line(label: string, says: string): CardLine {
  return { label, says };
}

function describePeer({ peer: { name, address, port, via } }: DecisionCard): string {
  const where = address === '' ? '' : `${address}${port === 0 ? '' : `, ${port}`}`;
  const first = name === undefined || name === address ? where : `${name}${where === '' ? '' : ` (${where})`}`;
  return via === undefined ? first : `${first}, ${say(words.via, { protocol: via.protocol, address: via.address })}`;
}

/** What became of STARTTLS, or of the verb that stood for it. */
export function describeStartTls(facts: StartTlsFacts, channel: DecisionCard['channel']): string {
  const verb = facts.verb ?? 'STARTTLS';
  if (facts.notOffered !== undefined && !facts.attempted) return say(words.verbMissing, { verb: facts.notOffered });
  if (facts.answer !== undefined) return say(words.refused, { verb, code: facts.answer });
  if (facts.failure !== undefined) return say(words.handshakeFailed, { verb, why: facts.failure });
  if (facts.attempted && channel === 'tls') return say(words.used, { verb });
  if (facts.attempted) return say(words.tried, { verb });
  if (facts.offered === undefined || facts.offered === null) return words.neverAsked;
  return facts.offered ? say(words.notUsed, { verb }) : say(words.notOffered, { verb });
}

function describeSession({ tls, time }: DecisionCard): readonly CardLine[] {
  if (tls === undefined) return [];
  const at = Date.parse(time);
  return [
    { label: words.session, says: `${tls.version}, ${tls.cipher}` },
    ...describeCertificate(words.own, tls.localThumbprint, { notAfter: tls.localNotAfter }, at),
    ...describeCertificate(
      words.peers,
      tls.peerThumbprint,
      { notBefore: tls.peerNotBefore, notAfter: tls.peerNotAfter },
      at,
    ),
  ];
}

interface Dates {
  readonly notBefore?: string | undefined;
  readonly notAfter?: string | undefined;
}

function describeCertificate(label: string, thumbprint: string | undefined, dates: Dates, at: number): CardLine[] {
  if (thumbprint === undefined) return [];
  const [from, to] = [Date.parse(dates.notBefore ?? ''), Date.parse(dates.notAfter ?? '')];
  const isBad = at > to || at < from;
  return [
    { label, says: groupThumbprint(thumbprint), isCode: true },
    ...(Number.isNaN(to) ? [] : [{ label: words.until, says: describeEnd(to, at), isBad }]),
  ];
}

function describeEnd(to: number, at: number): string {
  const until = formatMoment(to);
  return at > to
    ? say(words.expired, { until, span: formatSpan(at - to) })
    : say(words.valid, { until, span: formatSpan(to - at) });
}

function describeAuthentication({ authentication }: DecisionCard): string {
  if (authentication === undefined || authentication === null) return words.nobody;
  const { mechanism, identity, result } = authentication;
  return `${mechanism}, ${result}${identity === undefined ? '' : `: ${identity}`}`;
}
