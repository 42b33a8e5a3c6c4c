// Follows a message through a pair until it is at rest: asks both servers' cmdlets as a person would, again and again, since what
// is written down comes a moment after what happens.

import { setTimeout as pause } from 'node:timers/promises';
import type { OutputRecord } from '../cmdlets/output.ts';
import { type Role, ROLES } from '../config.ts';
import { Problem } from '../problem.ts';
import type { DecisionCard } from '../tracking/decision-card.ts';
import type { LabServer } from './lab-server.ts';
import type { Sent } from './letter.ts';
import { describe } from './message-checks.ts';
import type { Arrival, Sink } from './sink.ts';
import { findHop, type MessageState, type TracedMessage, WAY } from './traced-message.ts';
import type { WitnessedConnection } from './witness.ts';

/** Where to look. */
export interface Places {
  readonly servers: Readonly<Record<Role, LabServer>>;
  readonly destination: Sink;
  /** What was seen on the path between the two, in the message's direction. */
  readonly connections: () => readonly WitnessedConnection[];
}

const POLL_MS = 15;
/** A limit against waiting for ever, not a measure. */
const LIMIT_MS = 30_000;

/** Resolves once the message is at rest, or is what `until` says. Throws Problem `not-so` when it does not come to that in time. */
export async function awaitMessage(sent: Sent, until: MessageState | 'rest', places: Places): Promise<TracedMessage> {
  const limitMs = performance.now() + LIMIT_MS;
  for (;;) {
    const seen = await look(sent, places);
    const isThere = seen.isSettled && (until === 'rest' || seen.message.state === until);
    if (isThere) return seen.message;
    if (performance.now() > limitMs) {
      const wanted = until === 'rest' ? 'at rest' : until;
      throw new Problem('not-so', `${sent.id} is not ${wanted} after ${LIMIT_MS / 1000} s: ${describe(seen.message)}`);
    }
    await pause(POLL_MS);
  }
}

interface Look {
  readonly message: TracedMessage;
  readonly isSettled: boolean;
}

/** The server that the message comes to last is looked at last, so that none slips past between two looks. */
async function look(sent: Sent, { servers, destination, connections }: Places): Promise<Look> {
  const { entry, exit } = WAY[sent.direction];
  const waiting = [...(await placesIn(servers[entry], sent)), ...(await placesIn(servers[exit], sent))];
  const delivered = destination.messages().filter(({ content }) => isOf(content, sent));
  const cards = {} as Record<Role, readonly DecisionCard[]>;
  const tracking = {} as Record<Role, readonly OutputRecord[]>;
  for (const role of ROLES) {
    cards[role] = await cardsOf(servers[role], sent);
    tracking[role] = await trackingOf(servers[role], sent);
  }
  const hop = findHop(sent.direction, cards);
  const wire = hop.receiver && connections().find(({ clientPort }) => clientPort === hop.receiver?.peer.port);
  const state = stateOf({ waiting, delivered, tracking });
  return {
    message: {
      id: sent.id,
      direction: sent.direction,
      content: sent.letter.content,
      state,
      cards,
      hop,
      tracking,
      wire,
      transcript: wire?.transcript ?? [],
      delivered,
    },
    isSettled: isSettled(state, { waiting, delivered, cards: cards[exit] }),
  };
}

/** Where it stands in the queues of a server that runs. */
async function placesIn(server: LabServer, { id }: Sent): Promise<readonly OutputRecord[]> {
  if (!server.isRunning) return [];
  const records = await server.ask('Get-Message');
  return records.filter((record) => record['InternetMessageId'] === id);
}

async function cardsOf(server: LabServer, { id }: Sent): Promise<readonly DecisionCard[]> {
  if (!server.isRunning) return [];
  const records = await server.ask('Get-DecisionCard', { MessageId: id });
  // The whole card as it was written; it came out of JSON.
  return records.map((record) => record['Card'] as unknown as DecisionCard);
}

async function trackingOf(server: LabServer, { id }: Sent): Promise<readonly OutputRecord[]> {
  return server.isRunning ? server.ask('Get-MessageTrackingLog', { MessageId: id }) : [];
}

function isOf(content: Buffer, { id }: Sent): boolean {
  return content.includes(id);
}

function stateOf(facts: {
  waiting: readonly OutputRecord[];
  delivered: readonly Arrival[];
  tracking: TracedMessage['tracking'];
}): MessageState {
  if (facts.waiting.length > 0) return 'waiting';
  const events = ROLES.flatMap((role) => facts.tracking[role].map((record) => record['EventId']));
  return facts.delivered.length === 0 && events.includes('FAIL') ? 'failed' : 'delivered';
}

/** Whether nothing more happens to it by itself, and all of it is written down. */
function isSettled(
  state: MessageState,
  facts: { waiting: readonly OutputRecord[]; delivered: readonly Arrival[]; cards: readonly DecisionCard[] },
): boolean {
  if (state === 'waiting') return facts.waiting.every(isResting);
  if (state === 'failed') return true;
  const isWritten = facts.cards.some(({ side, outcome }) => side === 'sender' && outcome === 'delivered');
  return facts.delivered.length > 0 && isWritten;
}

/** Tried and deferred, or set aside by a person. */
function isResting({ Status: status, LastError: error }: OutputRecord): boolean {
  return status === 'Retry' || status === 'Suspended' || (status === 'Ready' && typeof error === 'string');
}
