// The update sequence numbers of the embedded directory: one counter, a number for each change, never given out again once it
// was committed. Whose numbers they are is said by an invocation id that is made with the directory.

import { randomUUID } from 'node:crypto';
import type { ChangeMark } from './change-feed.ts';
import type { Facts } from './facts.ts';

/** Counts within the transaction of its caller, who says how that ended. */
export class ChangeNumbers {
  readonly #facts: Facts;
  readonly #invocationId: string;
  #committed: number;
  #last: number;
  #purged: number;

  constructor(facts: Facts) {
    this.#facts = facts;
    this.#invocationId = facts.read('invocation-id', randomUUID);
    this.#committed = Number(facts.read('highest-usn', () => '0'));
    this.#last = this.#committed;
    this.#purged = Number(facts.read('purged-usn', () => '0'));
  }

  get mark(): ChangeMark {
    return { invocationId: this.#invocationId, highestCommittedUsn: this.#committed, purgedUsn: this.#purged };
  }

  next(): number {
    this.#last += 1;
    return this.#last;
  }

  /** Tombstones up to this number are gone. */
  notePurge(usn: number): void {
    this.#facts.write('purged-usn', String(Math.max(usn, this.#purged)));
  }

  /** Writes the counter, inside the transaction. */
  save(): void {
    this.#facts.write('highest-usn', String(this.#last));
  }

  /** The transaction is over, one way or the other: what the file says holds. */
  settle(): void {
    this.#committed = Number(this.#facts.read('highest-usn', () => '0'));
    this.#last = this.#committed;
    this.#purged = Number(this.#facts.read('purged-usn', () => '0'));
  }
}
