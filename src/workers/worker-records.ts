// The records that a worker makes, on their way to the owner, whose files they go into: lines are formatted here, gathered for
// one turn of the event loop, and written there. Events travel whole: the owner knows which of them repeat another worker's.

import { deserialize, serialize } from 'node:v8';
import type { Clock } from '../clock.ts';
import type { DecisionCard } from '../tracking/decision-card.ts';
import type { ServerEvent } from '../tracking/events.ts';
import { MailTally, type TallyCount } from '../tracking/mail-tally.ts';
import { formatJsonLine } from '../tracking/plain-text.ts';
import { completeEntry, formatTrackingRecord, type TrackingEntry } from '../tracking/tracking-record.ts';

/** What goes over at once. The lines of one log stand in one piece, parted by LF. */
export interface RecordBatch {
  readonly atMs: number;
  readonly cards: string;
  readonly tracking: string;
  /** How many there were of which kind. */
  readonly counts: readonly TallyCount[];
}

/** Takes lines that a worker made; the owner's CardLog and MessageTracking. */
export interface LineKeeper {
  /** Keeps lines of that date; never throws. */
  append(line: string, at: Date): void;
}

export interface WorkerRecordsOptions {
  readonly clock: Clock;
  readonly send: (batch: RecordBatch) => void;
  readonly sendEvent: (octets: Buffer) => void;
}

export class WorkerRecords {
  readonly #options: WorkerRecordsOptions;
  #cards: string[] = [];
  #tracking: string[] = [];
  #isScheduled = false;

  readonly cards = { record: (card: DecisionCard): void => this.#gather(() => this.#cards.push(formatJsonLine(card))) };
  readonly tracking = {
    record: (entry: TrackingEntry): void => {
      const record = completeEntry(entry, this.#options.clock.now());
      this.#gather(() => this.#tracking.push(formatTrackingRecord(record)));
    },
  };
  /** Counts what is recorded; goes over with it. */
  readonly tally = new MailTally();
  readonly events = { record: (event: ServerEvent): void => this.#options.sendEvent(serialize(event)) };

  constructor(options: WorkerRecordsOptions) {
    this.#options = options;
  }

  #gather(add: () => void): void {
    add();
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    this.#isScheduled = false;
    const batch = {
      atMs: this.#options.clock.now().getTime(),
      cards: this.#cards.join('\n'),
      tracking: this.#tracking.join('\n'),
      counts: this.tally.take(),
    };
    this.#cards = [];
    this.#tracking = [];
    this.#options.send(batch);
  }
}

/** The owner's side of a batch. */
export function keepBatch(
  { atMs, cards, tracking, counts }: RecordBatch,
  keepers: { cards: LineKeeper; tracking: LineKeeper; tally: MailTally },
): void {
  const at = new Date(atMs);
  keepers.tally.add(counts);
  for (const line of splitLines(cards)) keepers.cards.append(line, at);
  for (const line of splitLines(tracking)) keepers.tracking.append(line, at);
}

function splitLines(text: string): string[] {
  return text === '' ? [] : text.split('\n');
}

/** The event that `WorkerRecords` sent. */
export function readEvent(octets: Buffer): ServerEvent {
  return deserialize(octets) as ServerEvent;
}
