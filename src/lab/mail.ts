// Mail in the demo: handed in at either end by SMTP as any client would, awaited at the other end, compared octet for octet,
// and followed over the hop between the two servers by their decision cards.

import type { Role } from '../config.ts';
import type { Reply } from '../smtp/reply.ts';
import { type Entrance, handIn as handInAt, readKeywords as readKeywordsAt } from './hand-in.ts';
import type { SampleMessage } from './sample-messages.ts';
import { INSIDE, OUTSIDE, type Stage } from './stage.ts';
import { expect, query, waitFor } from './typing.ts';

export type Direction = 'out' | 'in';

/** One message on its way. */
export interface Parcel {
  readonly direction: Direction;
  readonly message: SampleMessage;
}

/** What the hop between the servers must have been. */
export interface ExpectedHop {
  readonly isTls: boolean;
  /** The sender's reason. */
  readonly reason: string;
}

const WAYS = {
  out: { entry: 'hub', exit: 'edge', from: INSIDE.person, to: OUTSIDE.person, names: ['Hub ', 'Edge'] },
  in: { entry: 'edge', exit: 'hub', from: OUTSIDE.person, to: INSIDE.person, names: ['Edge', 'Hub '] },
} as const satisfies Record<Direction, { entry: Role; exit: Role; from: string; to: string; names: [string, string] }>;

/** What relays may put in front of a message, and nothing else. */
const TRACE_FIELDS = /^(?:Return-Path: [^\r\n]*\r\n)?(?:Received: [^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*)+$/;

/** Where people inside, and the world, hand mail in. */
function entranceOf(stage: Stage, role: Role): Entrance {
  return { port: stage.ports[role], name: role === 'hub' ? `desk.${INSIDE.domain}` : `mail.${OUTSIDE.domain}` };
}

/** The EHLO keywords that a stranger reads, in upper case. */
export function readKeywords(stage: Stage, role: Role): Promise<string[]> {
  return readKeywordsAt(entranceOf(stage, role));
}

/** A message and what the server said that it was handed to. */
interface Offered extends Parcel {
  readonly reply: Reply | undefined;
}

/** Offers the next message of the supply to the server it enters by; shows what that replied. */
export async function offer(stage: Stage, direction: Direction): Promise<Offered> {
  const offered = await send(stage, direction);
  showReply(stage, offered);
  return offered;
}

/** Hands in so many messages in each direction, all at once; every one must be accepted. */
export async function handIn(stage: Stage, count: number): Promise<Parcel[]> {
  const ways = ['out', 'in'] as const;
  const offered = await Promise.all(ways.flatMap((way) => Array.from({ length: count }, () => send(stage, way))));
  for (const each of offered) {
    showReply(stage, each);
    expect(stage, each.reply?.code === 250, `${each.message.messageId} is accepted for delivery`, 'quiet');
  }
  return offered;
}

async function send(stage: Stage, direction: Direction): Promise<Offered> {
  const { value: message } = stage.messages.next();
  const { entry, from, to } = WAYS[direction];
  const reply = await handInAt(entranceOf(stage, entry), { from, to: [to], content: message.content });
  return { direction, message, reply };
}

/** The reply's codes are enough: its text repeats the Message-ID. */
function showReply({ story }: Stage, { direction, message, reply }: Offered): void {
  const { from, names } = WAYS[direction];
  const { messageId, content, origin } = message;
  const code = reply ? `${reply.code} ${reply.enhanced}` : 'no reply';
  const size = `${content.length.toLocaleString('en')} octets`;
  story.say(`${from.padEnd(17)} to ${names[0]}: ${code}  ${messageId}  ${size}, ${origin}`);
}

/** Waits until each has arrived as it was handed in; returns the trace fields of each. */
export async function awaitArrival(stage: Stage, parcels: readonly Parcel[]): Promise<string[]> {
  return Promise.all(
    parcels.map(async ({ direction, message }) => {
      const destination = direction === 'out' ? stage.outside : stage.inside;
      let trace: string | undefined;
      await waitFor(stage, `${message.messageId} arrives octet for octet`, () => {
        trace = destination.arrivals().flatMap((arrival) => traceOf(arrival, message) ?? [])[0];
        return trace !== undefined;
      });
      return trace ?? '';
    }),
  );
}

/** What stands in front of the message, if `arrival` is that message unchanged. */
function traceOf(arrival: Buffer, { content }: SampleMessage): string | undefined {
  const start = arrival.length - content.length;
  if (start < 0 || !arrival.subarray(start).equals(content)) return undefined;
  const trace = arrival.subarray(0, start).toString('latin1');
  return TRACE_FIELDS.test(trace) ? trace : undefined;
}

/** The facts of one hop as one server's card has them. */
type Card = Readonly<Record<string, unknown>>;

/** Waits for arrival, then shows for each message what both servers' cards say about the hop between them, and checks it. */
export async function showDelivery(
  stage: Stage,
  parcels: readonly Parcel[],
  expected: Readonly<Record<Direction, ExpectedHop>>,
): Promise<string[]> {
  const traces = await awaitArrival(stage, parcels);
  stage.story.command(['hub', 'Get-DecisionCard', '--json']);
  stage.story.command(['edge', 'Get-DecisionCard', '--json']);
  const hops = await findHops(stage, parcels);
  for (const hop of hops) showHop(stage, hop, expected[hop.direction]);
  for (const sentence of new Set(hops.flatMap(explain))) stage.story.say(sentence);
  stage.story.held(`${parcels.length} of ${parcels.length} arrived octet for octet, trace fields in front`);
  return traces;
}

/** One hop as the cards of both servers have it. */
interface Hop extends Parcel {
  readonly sender: Card;
  readonly receiver: Card;
}

function showHop(stage: Stage, { direction, message, sender, receiver }: Hop, expected: ExpectedHop): void {
  const [from, to] = WAYS[direction].names;
  const isTls = sender['Channel'] === 'TLS' && receiver['Channel'] === 'TLS';
  const reason = String(sender['Reason']);
  const version = isTls ? `${String(sender['TlsVersion'])}  ` : '';
  stage.story.lock({ isTls, from, to, detail: `${version}${reason}  ${message.messageId}` });
  const sentence = `${message.messageId} travels ${expected.isTls ? 'in TLS' : 'in clear'}, ${expected.reason}`;
  expect(stage, isTls === expected.isTls && reason === expected.reason, sentence, 'quiet');
  expect(stage, sender['Channel'] === receiver['Channel'], 'both servers say the same of the channel', 'quiet');
}

function explain({ sender }: Hop): string[] {
  return sender['Channel'] === 'TLS' ? [] : [`${String(sender['Reason'])}: ${String(sender['Explanation'])}`];
}

/** Cards are written after the message was handed over, so they may come a moment later than it. */
async function findHops(stage: Stage, parcels: readonly Parcel[]): Promise<Hop[]> {
  let hops: Hop[] = [];
  await waitFor(stage, 'both servers have a card for each message', async () => {
    const look = (role: Role): Promise<Card[]> => query(stage, role, ['Get-DecisionCard']);
    const [hub, edge] = await Promise.all([look('hub'), look('edge')]);
    hops = parcels.flatMap((parcel) => findHop(parcel, { hub, edge }) ?? []);
    return hops.length === parcels.length;
  });
  return hops;
}

/** The card of the attempt that went through, and the one of its other end. */
function findHop({ direction, message }: Parcel, cards: Readonly<Record<Role, readonly Card[]>>): Hop | undefined {
  const { entry, exit } = WAYS[direction];
  const isOf = (card: Card, side: string): boolean => card['Side'] === side && card['MessageId'] === message.messageId;
  const sender = cards[entry].find((card) => isOf(card, 'sender') && card['Outcome'] === 'delivered');
  const receiver = cards[exit].find(
    (card) => isOf(card, 'receiver') && card['NetworkMessageId'] === sender?.['NetworkMessageId'],
  );
  return sender && receiver && { direction, message, sender, receiver };
}
