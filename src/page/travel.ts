// When each step of a message is shown: steps happen within milliseconds, and an eye needs a second for each. The steps of one
// message follow each other; of more messages than an eye can follow a sample is shown. Pure.

import type { Move } from './journeys.ts';
import { type LaneKey, laneOf } from './lanes.ts';

export interface Trip {
  readonly move: Move;
  readonly lane: LaneKey;
  /** Milliseconds from now until it sets out. */
  readonly delayMs: number;
}

export const TRIP_MS = 1300;
/** Between arriving at a server and leaving it. */
const REST_MS = 150;
/** What sets out later than this would show the past. */
const MAX_DELAY_MS = 6000;

export class TravelPlan {
  readonly #maxTrips: number;
  /** When each message has arrived where it is going, by the message's id. */
  readonly #free = new Map<string, number>();
  /** When the trips that were promised end. */
  #ends: number[] = [];

  constructor(maxTrips: number) {
    this.#maxTrips = maxTrips;
  }

  /** The trips to show for what happened at `now`; what is left out is counted on its road all the same. */
  plan(moves: readonly Move[], now: number): readonly Trip[] {
    this.#ends = this.#ends.filter((end) => end > now);
    for (const [id, free] of this.#free) if (free <= now) this.#free.delete(id);
    const trips: Trip[] = [];
    for (const move of moves) {
      const lane = move.step.kind === 'moved' ? laneOf(move.step) : undefined;
      if (lane === undefined || this.#ends.length >= this.#maxTrips) continue;
      const start = Math.max(now, (this.#free.get(move.journey.id) ?? 0) + REST_MS);
      if (start - now > MAX_DELAY_MS) continue;
      this.#free.set(move.journey.id, start + TRIP_MS);
      this.#ends.push(start + TRIP_MS);
      trips.push({ move, lane, delayMs: start - now });
    }
    return trips;
  }
}
