// What of the spool is ours: claims what is there and what arrives, a few at a time, and keeps the claims alive. Of a backlog
// no more is read than sorts it, and what came last has a turn after each few hundred of what came first: so a message waits
// neither behind the hundred thousand that were there before it nor behind all that came after.

import { randomUUID } from 'node:crypto';
import { setImmediate as letOthersRun } from 'node:timers/promises';
import type { Cancel, Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { messageOf } from '../problem.ts';
import type { MessageHead, Spool, SpooledMessage } from '../spool/spool.ts';
import { TimeSlice } from './time-slice.ts';

export interface ClaimsOptions {
  readonly spool: Spool;
  readonly clock: Clock;
  readonly log: Log;
  /** Takes claimed messages, that will be wanted soon; must not throw. */
  readonly take: (messages: readonly SpooledMessage[]) => void;
  /** The same of what stood in the spool; must not throw. */
  readonly takeHeads: (heads: readonly MessageHead[]) => void;
  /** All ids that are held now; some may come twice. */
  readonly held: () => Iterable<number>;
  /** These are no longer ours, or no longer there. */
  readonly lose: (ids: ReadonlySet<number>) => void;
  readonly track: (work: Promise<void>) => void;
}

/** So many are claimed without a pause. */
const CLAIM_LIMIT = 200;
/** The same of a backlog, in a few milliseconds; and so many that have just come, between two times. */
const BACKLOG_LIMIT = 500;
const LATEST_LIMIT = 20;
const CLAIM_AGAIN_MS = 1000;
const LEASE_MS = 10 * 60_000;
const RENEW_LIMIT = 1000;

export class Claims {
  readonly #options: ClaimsOptions;
  readonly #owner = randomUUID();
  readonly #cancels = new Map<'arrival' | 'loss' | 'renewal' | 'again', Cancel>();
  #isClaiming = false;
  #isMore = false;
  /** There is more than one claim takes. */
  #isBacklog = false;
  #isStopped = false;

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  /** Takes up what the spool holds from before, and everything that arrives from now on; after `stop` anew. */
  start(): void {
    this.#isStopped = false;
    const { spool, lose } = this.#options;
    this.#cancels.set(
      'arrival',
      spool.onArrival(() => this.#claimSoon()),
    );
    const deaf = spool.onLoss?.((ids) => lose(new Set(ids)));
    if (deaf) this.#cancels.set('loss', deaf);
    this.#renewLater();
    this.#claimSoon();
  }

  stop(): void {
    this.#isStopped = true;
    for (const cancel of this.#cancels.values()) cancel();
  }

  /** Gives messages back for anybody to claim. */
  async giveBack(ids: readonly number[]): Promise<void> {
    await this.#options.spool.release(ids, this.#owner);
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
    const { spool, clock, take, takeHeads } = this.#options;
    const options = { owner: this.#owner, leaseMs: LEASE_MS, withSuspended: true };
    this.#isMore = false;
    if (this.#isBacklog) {
      const heads = await spool.claimHeads({ ...options, limit: BACKLOG_LIMIT });
      this.#isBacklog = heads.length === BACKLOG_LIMIT;
      takeHeads(heads);
      take(await spool.claim({ ...options, limit: LATEST_LIMIT, latestFirst: true, dueBefore: clock.now() }));
    } else {
      const messages = await spool.claim({ ...options, limit: CLAIM_LIMIT });
      this.#isBacklog = messages.length === CLAIM_LIMIT;
      take(messages);
    }
    if (this.#isBacklog) this.#isMore = true;
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
