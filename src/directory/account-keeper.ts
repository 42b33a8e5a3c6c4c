// slapd knows no window in which an account works, nor does it tell who has bound. So on an Edge whose ADAM is an LDAP server
// the Edge itself deletes accounts whose time is up, and the bootstrap account once it has a successor: at start, whenever the
// accounts change, and by the clock. A directory that is away is tried again.

import type { Cancel, Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { messageOf } from '../problem.ts';
import type { Adam } from './adam.ts';

export interface AccountKeeperOptions {
  readonly adam: Pick<Adam, 'snapshot' | 'endAccounts' | 'onChange'>;
  readonly clock: Clock;
  readonly log: Log;
}

const RETRY_MS = 30_000;
const LONGEST_WAIT_MS = 86_400_000;

/** Owns its timer and what it hears of ADAM. */
export class AccountKeeper {
  readonly #options: AccountKeeperOptions;
  readonly #cancelListening: Cancel;
  #cancelTimer: Cancel = () => undefined;
  #looks: Promise<void> = Promise.resolve();
  #isOpen = true;

  constructor(options: AccountKeeperOptions) {
    this.#options = options;
    this.#cancelListening = options.adam.onChange(() => void this.look());
  }

  /** Deletes what is to go now; never rejects. */
  look(): Promise<void> {
    this.#looks = this.#looks.then(() => this.#lookNow());
    return this.#looks;
  }

  close(): void {
    this.#isOpen = false;
    this.#cancelTimer();
    this.#cancelListening();
  }

  async #lookNow(): Promise<void> {
    if (!this.#isOpen) return;
    try {
      await this.#options.adam.endAccounts();
      this.#scheduleIn(this.#untilNextEnd());
    } catch (error) {
      this.#options.log.warn({ reason: messageOf(error) }, 'accounts whose time is up could not be deleted');
      this.#scheduleIn(RETRY_MS);
    }
  }

  #untilNextEnd(): number {
    const { adam, clock } = this.#options;
    const waits = adam.snapshot().accounts.map(({ expiration }) => expiration.getTime() - clock.now().getTime());
    return Math.max(0, Math.min(LONGEST_WAIT_MS, ...waits));
  }

  #scheduleIn(delayMs: number): void {
    this.#cancelTimer();
    if (this.#isOpen) this.#cancelTimer = this.#options.clock.schedule(delayMs, () => void this.look());
  }
}
