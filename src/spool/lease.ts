// The lease by which a server holds messages of a shared spool: pure, no clock of any machine is compared with another's. The
// holder counts beats in the database. Who watches it takes its messages only after the same beat has stood still for a whole
// lease of the watcher's own monotonic time; the holder stops working when a whole lease of its own has passed since it *sent* its
// last beat, which is earlier. So a clock that is wrong, or jumps, on any machine changes nothing, and neither does a pause: a
// watcher that slept reads a fresh beat before it judges. Time in which the watcher itself could read nothing counts for nobody's
// death: nobody could beat either while the database was away, and who is first back must not take from those that live.

/** A holder as somebody else sees it. */
export interface Beat {
  /** Never used again: who lost its lease comes back under another one. */
  readonly holder: number;
  readonly beat: number;
  /** How long it holds what it has without another beat. */
  readonly leaseMs: number;
}

/** Two readings of the holder's own clocks, in milliseconds. */
export interface Instant {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

export class Lease {
  readonly leaseMs: number;
  #until: Instant;

  /** Valid for `leaseMs` from when the first beat was sent. */
  constructor(leaseMs: number, sent: Instant) {
    this.leaseMs = leaseMs;
    this.#until = this.#after(sent);
  }

  /** A beat that was sent at `sent` has been recorded. */
  extend(sent: Instant): void {
    this.#until = this.#after(sent);
  }

  /**
   * True while nobody can have taken what is held. By both clocks: the monotonic one may stand still while a virtual machine is
   * paused, the other one may be set. If either says that the time is over it is, until the next beat.
   */
  isValid(now: Instant): boolean {
    return now.monotonicMs < this.#until.monotonicMs && now.wallMs < this.#until.wallMs;
  }

  #after({ monotonicMs, wallMs }: Instant): Instant {
    return { monotonicMs: monotonicMs + this.leaseMs, wallMs: wallMs + this.leaseMs };
  }
}

/** When a reading of the beats was asked for and when it was there, in monotonic milliseconds. */
export interface Reading {
  readonly askedMs: number;
  readonly answeredMs: number;
}

/** Beats that a holder sends in a lease. */
export const BEATS_A_LEASE = 4;
/** No reading for so great a part of a lease: two beats were missed. */
const GAP = 2 / BEATS_A_LEASE;

export class LeaseWatch {
  #seen = new Map<number, { readonly beat: number; readonly sinceMs: number }>();
  #readMs = 0;

  /**
   * Notes the beats of all holders and names those that have stood still for a whole lease of theirs, in which there were readings.
   * Whoever acts on it must make sure that the beat is still the same.
   */
  note(beats: readonly Beat[], { askedMs, answeredMs }: Reading): readonly Beat[] {
    const seen = new Map<number, { readonly beat: number; readonly sinceMs: number }>();
    const dead: Beat[] = [];
    for (const each of beats) {
      const before = this.#seen.get(each.holder);
      const isGap = askedMs - this.#readMs > each.leaseMs * GAP;
      // A beat may have come while it was read: it is as young as the answer, and judged at the age of the question.
      const sinceMs = before?.beat === each.beat && !isGap ? before.sinceMs : answeredMs;
      seen.set(each.holder, { beat: each.beat, sinceMs });
      if (askedMs - sinceMs > each.leaseMs) dead.push(each);
    }
    this.#seen = seen;
    this.#readMs = answeredMs;
    return dead;
  }
}
