// What of the spool is ours: claims what is there and what arrives, a few at a time and from both ends by turns, so that a
// message waits neither behind the hundred thousand that were there before it nor behind all that came after; and keeps the
// claims alive.

import { randomUUID } from 'node:crypto';
import { setImmediate as letOthersRun } from 'node:timers/promises';
import type { Cancel, Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { messageOf } from '../problem.ts';
import type { Spool, SpooledMessage } from '../spool/spool.ts';
import { TimeSlice } from './time-slice.ts';

export interface ClaimsOptions {
  readonly spool: Spool;
  readonly clock: Clock;
  readonly log: Log;
  /** Takes claimed messages; must not throw. */
  readonly take: (messages: readonly SpooledMessage[]) => void;
  /** All ids that are held now; some may come twice. */
  readonly held: () => Iterable<number>;
  /** These are no longer ours, or no longer there. */
  readonly lose: (ids: ReadonlySet<number>) => void;
  readonly track: (work: Promise<void>) => void;
}

/** So many are claimed without a pause: two or three milliseconds' worth. */
const CLAIM_LIMIT = 100;
const CLAIM_AGAIN_MS = 1000;
const LEASE_MS = 10 * 60_000;
const RENEW_LIMIT = 1000;

export class Claims {
  readonly #options: ClaimsOptions;
  readonly #owner = randomUUID();
  readonly #cancels = new Map<'arrival' | 'renewal' | 'again', Cancel>();
  #isClaiming = false;
  #isMore = false;
  #isLatestsTurn = false;
  #isStopped = false;

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  /** Takes up what the spool holds from before, and everything that arrives from now on. */
  start(): void {
    const cancel = this.#options.spool.onArrival(() => this.#claimSoon());
    this.#cancels.set('arrival', cancel);
    this.#renewLater();
    this.#claimSoon();
  }

  stop(): void {
    this.#isStopped = true;
    for (const cancel of this.#cancels.values()) cancel();
  }

  #claimSoon(): void {
    this.#isMore = true;
    if (this.#isClaiming || this.#isStopped) return;
    this.#isClaiming = true;
    this.#options.track(this.#claimAll());
  }

  async #claimAll(): Promise<void> {
    const { clock, log } = this.#options;
    try {
      while (this.#isMore && !this.#isStopped) {
        await this.#claimSome();
        await letOthersRun();
      }
    } catch (error) {
      log.error({ error: messageOf(error) }, 'the spool could not be read; trying again');
      this.#cancels.set(
        'again',
        clock.schedule(CLAIM_AGAIN_MS, () => this.#claimSoon()),
      );
    } finally {
      this.#isClaiming = false;
    }
  }

  async #claimSome(): Promise<void> {
    const { spool, clock, take } = this.#options;
    this.#isMore = false;
    const isLatest = this.#isLatestsTurn;
    const end = isLatest ? { latestFirst: true, dueBefore: clock.now() } : {};
    const limits = { owner: this.#owner, limit: CLAIM_LIMIT, leaseMs: LEASE_MS, withSuspended: true };
    const messages = await spool.claim({ ...limits, ...end });
    // While there is more, what is there came first and what came last take turns.
    this.#isLatestsTurn = !isLatest && messages.length === CLAIM_LIMIT;
    if (isLatest || messages.length === CLAIM_LIMIT) this.#isMore = true;
    take(messages);
  }

  #renewLater(): void {
    const cancel = this.#options.clock.schedule(LEASE_MS / 3, () => {
      this.#options.track(this.#renew());
      this.#renewLater();
    });
    this.#cancels.set('renewal', cancel);
  }

  /** Extends the lease of everything that is held. */
  async #renew(): Promise<void> {
    const { spool, log, held, lose } = this.#options;
    const asked = [...new Set(held())];
    const lost = new Set<number>();
    const slice = new TimeSlice();
    try {
      for (let from = 0; from < asked.length && !this.#isStopped; from += RENEW_LIMIT) {
        const ids = asked.slice(from, from + RENEW_LIMIT);
        const kept = new Set(await spool.renew(ids, this.#owner, LEASE_MS));
        for (const id of ids) if (!kept.has(id)) lost.add(id);
        await slice.pause();
      }
      if (lost.size > 0) lose(lost);
    } catch (error) {
      log.error({ error: messageOf(error) }, 'the claims on waiting messages could not be renewed; trying again');
    }
  }
}
