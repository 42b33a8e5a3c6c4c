// What can be claimed of a message, each claim with the sentence that says what was seen instead. The doors for test runners
// (testing.ts) and the guided scenarios ask here. Pure.

import type { Reason } from '../trust/reasons.ts';
import type { TracedMessage } from './traced-message.ts';

export interface Check {
  readonly holds: boolean;
  /** What was claimed and what is so, for people. */
  readonly sentence: string;
}

/** It came across in TLS by both servers' cards, and nobody on the path could read it. */
export function checkTravelledEncrypted(message: TracedMessage, reason?: Reason): Check {
  const { state, hop, wire } = message;
  const isTls = hop.sender?.channel === 'tls' && hop.receiver?.channel === 'tls';
  const isHidden = wire?.isEncrypted === true && !isReadable(message);
  const hasReason = reason === undefined || hop.sender?.reason === reason;
  const claim = `travels in TLS${reason === undefined ? '' : `, ${reason}`}`;
  return check(message, claim, state === 'delivered' && isTls && isHidden && hasReason);
}

/** It came across in clear by both servers' cards, for this reason, and on the path every octet of it could be read. */
export function checkFellBack(message: TracedMessage, reason?: Reason): Check {
  const { state, hop } = message;
  const isClear = hop.sender?.channel === 'plaintext' && hop.receiver?.channel === 'plaintext';
  const hasReason = reason === undefined || hop.sender?.reason === reason;
  const claim = `travels in clear${reason === undefined ? '' : `, ${reason}`}`;
  return check(message, claim, state === 'delivered' && isClear && isReadable(message) && hasReason);
}

/** It waits on the first server, for this reason; nothing of it has arrived and nothing has bounced. */
export function checkWaits(message: TracedMessage, reason?: Reason): Check {
  const { state, hop, delivered } = message;
  const hasReason = reason === undefined || hop.sender?.reason === reason;
  const claim = `waits${reason === undefined ? '' : `, ${reason}`}`;
  return check(message, claim, state === 'waiting' && delivered.length === 0 && hasReason);
}

/** It arrived once, and what was handed in stands in it octet for octet, behind the trace fields. */
export function checkUnaltered(message: TracedMessage): Check {
  const [first, ...others] = message.delivered;
  const isWhole = first?.content.subarray(-message.content.length).equals(message.content) === true;
  return check(message, 'arrives once and octet for octet', isWhole && others.length === 0);
}

/** Whether its text was to be read on the path. The header is not enough: the envelope's addresses are no secret of TLS's alone. */
function isReadable({ wire, content }: TracedMessage): boolean {
  return wire?.clear.includes(stuffed(content)) === true;
}

/** As it goes over the wire after DATA (RFC 5321 §4.5.2). */
function stuffed(content: Buffer): Buffer {
  return Buffer.from(content.toString('latin1').replaceAll(/(^|\r\n)\./g, '$1..'), 'latin1');
}

function check(message: TracedMessage, claim: string, holds: boolean): Check {
  return { holds, sentence: `${message.id} ${claim}${holds ? '' : `: ${describe(message)}`}` };
}

/** What is known of it, in one line. */
export function describe({ state, hop, wire, delivered }: TracedMessage): string {
  const { sender } = hop;
  const seen = sender
    ? `${sender.channel}, ${sender.reason}${sender.detail === undefined ? '' : ` (${sender.detail})`}`
    : 'no attempt yet';
  const path = wire ? `, ${wire.isEncrypted ? 'encrypted' : 'readable'} on the path` : '';
  return `it is ${state}, arrived ${delivered.length} times; the hop between the servers: ${seen}${path}`;
}
