// The live events of a server: what is recorded goes into the ring, what is the case is looked at once a second while somebody
// reads. With nobody reading a record costs its place in the ring and nothing more.

import { describeCard } from '../cmdlets/get-decision-card.ts';
import { describeEvent } from '../cmdlets/get-event-log.ts';
import { describeTracking } from '../cmdlets/get-message-tracking-log.ts';
import type { ServerContext } from '../cmdlets/server-context.ts';
import { describeReport } from '../cmdlets/start-edge-synchronization.ts';
import type { Cancel } from '../clock.ts';
import { Problem } from '../problem.ts';
import { parseCard } from '../tracking/card-log.ts';
import type { DecisionCard } from '../tracking/decision-card.ts';
import { parseTrackingRecord } from '../tracking/tracking-record.ts';
import type { Caller } from './access.ts';
import { EventReader, type ReaderOptions } from './event-reader.ts';
import { EventRing, type RecordKind } from './event-ring.ts';
import { formatRecord, readStates, STATE_KINDS, type StateKind } from './server-state.ts';

/** About ten seconds at a thousand messages a second; hours on a quiet server. */
const RING = { maxEntries: 40_000, maxOctets: 24 * 2 ** 20 };
const MAX_READERS = 32;
const LOOK_MS = 1000;
const BEAT_EVERY_LOOKS = 10;

export interface ReaderWish extends Pick<ReaderOptions, 'response' | 'kinds' | 'perSecond'> {
  readonly states: ReadonlySet<StateKind>;
  /** The id of the last event that the client has had. */
  readonly lastEventId: string | undefined;
  /** Without a last id: begin with the oldest record that is here, and not with the next. */
  readonly fromOldest: boolean;
  /** What the first event says of the server. */
  readonly hello: string;
  readonly caller: Caller;
}

interface OpenReader {
  readonly reader: EventReader;
  readonly states: ReadonlySet<StateKind>;
  readonly caller: Caller;
}

export class EventFeed {
  readonly #context: ServerContext;
  readonly #ring = new EventRing({ ...RING, describe: describeLine });
  readonly #readers = new Set<OpenReader>();
  readonly #cancels: readonly Cancel[];
  readonly #last = new Map<StateKind, string>();
  #timer: NodeJS.Timeout | undefined;
  #looks = 0;
  #isClosed = false;

  constructor(context: ServerContext) {
    this.#context = context;
    const { tracking, cards, events, hub } = context;
    this.#cancels = [
      tracking.onLine((line) => this.#add('tracking', line)),
      cards.onLine((line) => this.#add('card', line)),
      events.onEvent((event) => this.#add('event', formatRecord(describeEvent(event)))),
      ...(hub ? [hub.synchronizer.onReport((report) => this.#add('sync', formatRecord(describeReport(report))))] : []),
    ];
  }

  /** Throws Problem `too-busy` or `server-stopping` where no reader more can be had. */
  insistOnRoom(): void {
    if (this.#isClosed) throw new Problem('server-stopping', 'this server is about to stop');
    if (this.#readers.size >= MAX_READERS)
      throw new Problem('too-busy', `${MAX_READERS} readers of events are connected already: come back later`);
  }

  /** Begins to write to a response whose head is written. */
  attach({ lastEventId, fromOldest, hello, caller, states, ...wish }: ReaderWish): void {
    const ring = this.#ring;
    const resumed = lastEventId === undefined ? undefined : ring.resume(lastEventId);
    const from = resumed ?? (lastEventId === undefined && fromOldest ? ring.oldest : ring.next);
    const reader = new EventReader({ ...wish, ring, from, onClose: () => this.#detach(open) });
    const open: OpenReader = { reader, states, caller };
    reader.tell('hello', hello, from - 1);
    if (lastEventId !== undefined && resumed === undefined) reader.tell('reset', RESET, from - 1);
    const now = readStates(this.#context);
    for (const kind of states) reader.setState(kind, now[kind]);
    // To the first reader nothing of this has changed a second later.
    if (this.#readers.size === 0) for (const kind of STATE_KINDS) this.#hasChanged(kind, now[kind]);
    this.#readers.add(open);
    reader.wake();
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS).unref();
  }

  /** Ends every reader with a sentence. */
  close(): void {
    this.#isClosed = true;
    for (const cancel of this.#cancels) cancel();
    clearInterval(this.#timer);
    for (const { reader } of this.#readers) reader.cut('server-stopping', 'this server stops');
  }

  #add(kind: RecordKind, line: string): void {
    this.#ring.add(kind, line);
    for (const { reader } of this.#readers) reader.wake();
  }

  #detach(open: OpenReader): void {
    this.#readers.delete(open);
    if (this.#readers.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#last.clear();
  }

  #look(): void {
    this.#looks += 1;
    const now = readStates(this.#context);
    const changed = STATE_KINDS.filter((kind) => this.#hasChanged(kind, now[kind]));
    const isBeat = this.#looks % BEAT_EVERY_LOOKS === 0;
    for (const { reader, states, caller } of this.#readers) {
      if (!caller.isWelcome()) {
        reader.cut('token-wrong', 'the access token was removed or has expired');
        continue;
      }
      for (const kind of changed) if (states.has(kind)) reader.setState(kind, now[kind]);
      // The clock goes on by itself; said now and then, it puts a reader's own right.
      if (isBeat && states.has('clock')) reader.setState('clock', now.clock);
      else if (isBeat) reader.beat();
      reader.checkPace();
      reader.wake();
    }
  }

  #hasChanged(kind: StateKind, json: string): boolean {
    const told = kind === 'clock' ? String(this.#context.clock.offsetMs) : json;
    if (this.#last.get(kind) === told) return false;
    this.#last.set(kind, told);
    return true;
  }
}

const RESET = JSON.stringify({
  code: 'events-lost',
  detail: 'what happened since that id is not all in memory any more: read anew what you show, and go on from here',
});

/** The records that the cmdlets print, made of the lines that the logs keep. */
function describeLine(kind: RecordKind, line: string): string | undefined {
  if (kind === 'tracking') {
    const record = parseTrackingRecord(line);
    return record && formatRecord(describeTracking(record));
  }
  if (kind === 'card') {
    const card = parseCard(line) as DecisionCard | undefined;
    return card && formatRecord(describeCard(card));
  }
  return line;
}
