// The trail of a message as a tree in text: servers are nodes, hops are branches with a lock, closed or open, said in words as
// well. Pure; what came from outside is escaped. Where the terminal is not known to show UTF-8, ASCII stands in.

import type { DecisionCard } from '../tracking/decision-card.ts';
import { explainReason } from '../trust/reasons.ts';
import { escapeText } from '../unsafe-text.ts';
import { foldAttempts, type Hop, type Run, type Trail } from './trail-facts.ts';

interface Signs {
  readonly closed: string;
  readonly open: string;
  readonly none: string;
  readonly arrow: string;
  readonly server: string;
  readonly outside: string;
  readonly fork: string;
  readonly last: string;
  readonly bar: string;
}

const PICTURES: Signs = {
  closed: '🔒',
  open: '🔓',
  none: '✗',
  arrow: '→',
  server: '■',
  outside: '○',
  fork: '├─ ',
  last: '╰─ ',
  bar: '│  ',
};
const LETTERS: Signs = {
  closed: '[#]',
  open: '[ ]',
  none: '[x]',
  arrow: '->',
  server: '[*]',
  outside: '( )',
  fork: '|- ',
  last: '`- ',
  bar: '|  ',
};

/** The lines, without line ends. */
export function drawTrail(trail: Trail, { isPlain }: { readonly isPlain: boolean }): string[] {
  const signs = isPlain ? LETTERS : PICTURES;
  const lines = describeMessage(trail, signs);
  for (const arrival of trail.arrivals) lines.push('', ...drawArrival(arrival, signs));
  if (trail.departures.length > 0) {
    const [first] = trail.departures;
    lines.push('', `${signs.server} ${first?.card.server ?? ''}`, ...drawBranches(trail.departures, signs));
  }
  for (const { server, recipients, subject } of trail.reports)
    lines.push('', `${server === '' ? 'A server' : server} sent a report to ${recipients.join(', ')}: ${subject}`);
  return lines.map((line) => safe(line, isPlain));
}

function safe(line: string, isPlain: boolean): string {
  const escaped = escapeText(line);
  return isPlain ? escaped.replaceAll(/[^\x20-\x7e]/gu, '?') : escaped;
}

function describeMessage({ messageId, networkMessageIds, recipients, sender, subject }: Trail, signs: Signs): string[] {
  return [
    `${messageId}${subject === '' ? '' : `  "${subject}"`}`,
    ...(recipients.length === 0 ? [] : [`${sender === '' ? '<>' : sender} ${signs.arrow} ${recipients.join(', ')}`]),
    ...networkMessageIds.filter((id) => id !== '').map((id) => `NetworkMessageId ${id}`),
  ];
}

function drawArrival({ card, onward }: Hop, signs: Signs): string[] {
  const from = `${signs.outside} ${card.peer.name ?? card.peer.address} (${card.peer.address})`;
  const inner = [`${signs.server} ${card.server}, ${card.outcome}`, ...drawBranches(onward, signs)];
  return [from, ...hang(describeHop(card, signs), signs.last, '   '), ...inner.map((line) => `   ${line}`)];
}

function drawBranches(hops: readonly Hop[], signs: Signs): string[] {
  const attempts = foldAttempts(hops);
  return attempts.flatMap((attempt, index) => {
    const isLast = index === attempts.length - 1;
    const [head, rest] = isLast ? [signs.last, '   '] : [signs.fork, signs.bar];
    return hang(drawBranch(attempt, signs), head, rest);
  });
}

function hang(lines: readonly string[], head: string, rest: string): string[] {
  return lines.map((line, index) => `${index === 0 ? head : rest}${line}`);
}

function drawBranch({ first, last, length }: Run<Hop>, signs: Signs): string[] {
  const { card, onward, received } = last;
  const to = card.peer.name ?? card.peer.address;
  const end = `${received === undefined ? signs.outside : signs.server} ${to}, ${card.outcome}`;
  return [
    ...describeHop(card, signs),
    ...(length > 1 ? [`tried ${length} times since ${first.card.time}`] : []),
    ...describeDisagreement(card, received),
    `${end}${card.detail === undefined ? '' : `: ${card.detail}`}`,
    ...drawBranches(onward, signs),
  ];
}

function describeHop(card: DecisionCard, signs: Signs): string[] {
  const how = [describeChannel(card, signs), describeAuthentication(card)].filter((part) => part !== '').join(', ');
  const moved = card.clockOffset === undefined ? '' : ` (clock ${card.clockOffset})`;
  return [`${how}   ${card.time}${moved}`, `${card.reason}: ${explainReason(card.reason)}`];
}

function describeChannel({ channel, reason, tls }: DecisionCard, signs: Signs): string {
  if (reason === 'local-delivery') return `${signs.server} on this machine`;
  if (channel === 'plaintext') return `${signs.open} IN CLEAR`;
  if (channel === 'none') return `${signs.none} no connection`;
  return `${signs.closed} ${tls === undefined ? 'TLS' : `${tls.version} ${tls.cipher}`}`;
}

function describeAuthentication({ authentication }: DecisionCard): string {
  return authentication === undefined ? '' : `${authentication.mechanism} ${authentication.result}`;
}

/** The two ends of a hop judge each for itself. */
function describeDisagreement(sent: DecisionCard, received: DecisionCard | undefined): string[] {
  if (received === undefined || received.reason === sent.reason) return [];
  return [`${received.server} says ${received.reason}: ${explainReason(received.reason)}`];
}
