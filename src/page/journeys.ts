// The way of each message as message tracking tells it, from both servers: where it came in, how it went from one to the other,
// where it left, where it waits. Pure: records in, a new map out. Bounded: of a busy server the last messages are kept.

import type { ApiRecord } from './api.ts';
import { joined, text, texts, time } from './fields.ts';
import type { Role } from '../config.ts';
import { type Channel, channelOf, type Tone, toneOf } from './tones.ts';

/** The four places of the picture. */
export type Place = 'outside' | 'edge' | 'hub' | 'mailboxes';

/** One step of a message. A step that waits or failed stands at `from`; `to` is where it would have gone. */
export interface Step {
  readonly kind: 'moved' | 'waits' | 'failed' | 'reported';
  readonly from: Place;
  readonly to: Place;
  /** Milliseconds, by the server's clock. */
  readonly at: number;
  /** The server that told of it. */
  readonly server: string;
  readonly channel: Channel;
  readonly reason: string;
  readonly tone: Tone;
  /** The reply that settled it, or empty. */
  readonly detail: string;
}

export type JourneyState = 'moving' | 'waiting' | 'arrived' | 'failed';

export interface Journey {
  /** NetworkMessageId, which both servers know it by. */
  readonly id: string;
  readonly subject: string;
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly lastAt: number;
  readonly state: JourneyState;
  readonly steps: readonly Step[];
}

/** By NetworkMessageId, the one that moved last at the end. */
export type Journeys = ReadonlyMap<string, Journey>;

/** A step with its message, as the picture shows it. */
export interface Move {
  readonly journey: Journey;
  readonly step: Step;
}

export interface Teller {
  readonly fqdn: string;
  readonly role: Role;
  /** The servers of the page by FQDN. */
  readonly names: ReadonlyMap<string, Role>;
}

export const MAX_JOURNEYS = 300;
const MAX_STEPS = 24;
/** The records of both ends of a hop tell of one step; the two clocks may differ a little. */
const SAME_HOP_MS = 60_000;

/** Adds what one server recorded, in its order. */
export function addRecords(
  known: Journeys,
  records: readonly ApiRecord[],
  teller: Teller,
): { readonly journeys: Journeys; readonly moves: readonly Move[] } {
  const journeys = new Map(known);
  const moves: Move[] = [];
  for (const record of records) {
    const id = text(record, 'NetworkMessageId');
    const step = id === '' ? undefined : readStep(record, teller);
    if (step === undefined) continue;
    const before = journeys.get(id);
    if (before?.steps.some((other) => isOtherEnd(other, step) || isSame(other, step)) === true) continue;
    const journey = addStep(before ?? beginJourney(id, record), step, record);
    journeys.delete(id);
    journeys.set(id, journey);
    moves.push({ journey, step });
  }
  for (const id of journeys.keys()) {
    if (journeys.size <= MAX_JOURNEYS) break;
    journeys.delete(id);
  }
  return { journeys, moves };
}

/** The step that a record tells of; undefined for one that is none to be seen. */
export function readStep(record: ApiRecord, teller: Teller): Step | undefined {
  const way = readWay(text(record, 'EventId'), record, teller);
  if (way === undefined) return undefined;
  const channel = channelOf(text(record, 'Channel'));
  const reason = text(record, 'Reason');
  return {
    ...way,
    at: time(record, 'Timestamp') ?? 0,
    server: teller.fqdn,
    channel,
    reason,
    tone: way.kind === 'reported' ? 'local' : toneOf(channel, reason),
    detail: way.kind === 'moved' ? '' : joined(record, 'RecipientStatus'),
  };
}

type Way = Pick<Step, 'kind' | 'from' | 'to'>;

function readWay(eventId: string, record: ApiRecord, { role, names }: Teller): Way | undefined {
  const end = role === 'edge' ? 'outside' : 'mailboxes';
  const next = names.get(text(record, 'ServerHostname')) ?? end;
  // Where no connector leads on there is nowhere to go.
  const wanted = text(record, 'ServerHostname') + text(record, 'ConnectorId') === '' ? role : next;
  switch (eventId) {
    case 'RECEIVE':
      return { kind: 'moved', from: names.get(text(record, 'ClientHostname')) ?? end, to: role };
    case 'SEND':
      return { kind: 'moved', from: role, to: next };
    case 'DELIVER':
      return { kind: 'moved', from: role, to: 'mailboxes' };
    case 'DEFER':
      return { kind: 'waits', from: role, to: wanted };
    case 'FAIL':
    case 'BADMAIL':
    case 'POISONMESSAGE':
      return { kind: 'failed', from: role, to: wanted };
    case 'DSN':
      return { kind: 'reported', from: role, to: role };
    default:
      return undefined;
  }
}

/** Told before: what was asked for and what came live overlap. */
function isSame(other: Step, step: Step): boolean {
  const { kind, from, to, at, server } = other;
  return kind === step.kind && from === step.from && to === step.to && at === step.at && server === step.server;
}

/** What the other server said already of a hop between the two. */
function isOtherEnd(other: Step, step: Step): boolean {
  return (
    other.kind === 'moved' &&
    step.kind === 'moved' &&
    other.server !== step.server &&
    other.from === step.from &&
    other.to === step.to &&
    Math.abs(other.at - step.at) < SAME_HOP_MS
  );
}

function beginJourney(id: string, record: ApiRecord): Journey {
  return {
    id,
    subject: text(record, 'MessageSubject'),
    sender: text(record, 'Sender'),
    recipients: [],
    lastAt: 0,
    state: 'moving',
    steps: [],
  };
}

const MAX_RECIPIENTS = 20;

function addStep(journey: Journey, step: Step, record: ApiRecord): Journey {
  const recipients = [...new Set([...journey.recipients, ...texts(record, 'Recipients')])].slice(0, MAX_RECIPIENTS);
  // The servers' records come by two streams, so that a later step can be told of first.
  const steps = keepLastTries([...journey.steps, step].toSorted((a, b) => a.at - b.at)).slice(-MAX_STEPS);
  return {
    ...journey,
    recipients,
    steps,
    lastAt: Math.max(journey.lastAt, step.at),
    state: stateOf(steps),
  };
}

/** What is tried again and again in vain is one step, the last time: else it would push out where the message came from. */
function keepLastTries(steps: readonly Step[]): readonly Step[] {
  return steps.filter((step, index) => {
    const next = steps[index + 1];
    return !(step.kind === 'waits' && next?.kind === 'waits' && next.from === step.from && next.to === step.to);
  });
}

function stateOf(steps: readonly Step[]): JourneyState {
  const last = steps.at(-1);
  if (last?.kind === 'waits') return 'waiting';
  if (last?.kind === 'failed') return 'failed';
  if (last?.kind === 'moved' && (last.to === 'mailboxes' || last.to === 'outside')) return 'arrived';
  return 'moving';
}
