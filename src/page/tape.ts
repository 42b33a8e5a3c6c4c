// What the events of one server were and when they came, so that they can be played again. Pure, and bounded: the oldest go, but of
// what is the case the last word before that is kept.

/** An event with the moment at which it came, in milliseconds of the reader's clock. */
export interface TapedEvent {
  readonly at: number;
  readonly kind: string;
  /** JSON. */
  readonly data: string;
}

const STATES = new Set(['hello', 'clock', 'queues', 'load', 'health']);
const LIMITS = { maxEvents: 5000, maxLength: 8 * 2 ** 20 };

export class Tape {
  readonly #limits: typeof LIMITS;
  readonly #before = new Map<string, TapedEvent>();
  #events: TapedEvent[] = [];
  #length = 0;

  constructor(limits = LIMITS) {
    this.#limits = limits;
  }

  /** In the order of time. */
  add(events: readonly TapedEvent[]): void {
    this.#events.push(...events);
    for (const { data } of events) this.#length += data.length;
    const { maxEvents, maxLength } = this.#limits;
    let gone = 0;
    for (const event of this.#events) {
      if (this.#events.length - gone <= maxEvents && this.#length <= maxLength) break;
      if (STATES.has(event.kind)) this.#before.set(event.kind, event);
      this.#length -= event.data.length;
      gone += 1;
    }
    if (gone > 0) this.#events = this.#events.slice(gone);
  }

  /** Everything that is kept, the oldest first. */
  get events(): readonly TapedEvent[] {
    return [...[...this.#before.values()].toSorted((a, b) => a.at - b.at), ...this.#events];
  }

  /** Since when nothing is missing; undefined of an empty tape. */
  get from(): number | undefined {
    return this.#events[0]?.at;
  }
}

/** Those that came after `after`, and at `until` at the latest. */
export function eventsBetween<Event extends { readonly at: number }>(
  events: readonly Event[],
  after: number,
  until: number,
): readonly Event[] {
  return events.filter(({ at }) => at > after && at <= until);
}
