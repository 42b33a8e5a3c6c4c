// slapd knows no window in which an account works, nor does it tell who has bound. So on an Edge whose ADAM is an LDAP server
// the Edge itself deletes accounts whose time is up, and the bootstrap account once it has a successor: at start, whenever the
// accounts change, and by the clock. A directory that is away is tried again.

import type { Cancel, Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { messageOf } from '../problem.ts';
import { Recurrence } from '../recurrence.ts';
import type { Adam } from './adam.ts';

export interface AccountKeeperOptions {
  readonly adam: Pick<Adam, 'snapshot' | 'endAccounts' | 'onChange'>;
  readonly clock: Clock;
  readonly log: Log;
}

const RETRY_MS = 30_000;
const LONGEST_WAIT_MS = 86_400_000;

/** Owns its looks and what it hears of ADAM. */
export class AccountKeeper {
  readonly #cancelListening: Cancel;
  readonly #looks: Recurrence;

  constructor(options: AccountKeeperOptions) {
    const { adam, clock, log } = options;
    this.#looks = new Recurrence({
      clock,
      look: async () => {
        await adam.endAccounts();
        return untilNextEnd(options);
      },
      failed: (error) => {
        log.warn({ reason: messageOf(error) }, 'accounts whose time is up could not be deleted');
        return RETRY_MS;
      },
    });
    this.#cancelListening = adam.onChange(() => void this.look());
  }

  /** Deletes what is to go now; never rejects. */
  look(): Promise<void> {
    return this.#looks.look();
  }

  close(): void {
    this.#looks.close();
    this.#cancelListening();
  }
}

function untilNextEnd({ adam, clock }: AccountKeeperOptions): number {
  const waits = adam.snapshot().accounts.map(({ expiration }) => expiration.getTime() - clock.now().getTime());
  return Math.max(0, Math.min(LONGEST_WAIT_MS, ...waits));
}
