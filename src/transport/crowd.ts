// The sessions of this process, and who has to go when there are too many on the server or at one Receive connector: of those
// that have proved nothing the one that has made no progress for longest, as Postfix serves strangers shorter under stress.
// So whoever holds connections open, idle or by a trickle, loses them to the next one that comes, and an honest client is
// served. What a source may have at most is not made room for: it has its places already.

import type { ReceiveConnector } from '../directory/receive-connector.ts';
import { sourceOf } from '../ip-range.ts';
import { PassingSet } from '../passing.ts';
import { REPLIES } from '../smtp/replies.ts';
import type { Reply } from '../smtp/reply.ts';
import type { SmtpSession } from '../smtp/session-policy.ts';
import type { Counts, Entry, EntryClaim } from './connection-counts.ts';
import type { Refusal } from './refusal.ts';

export interface CrowdOptions {
  /** Connections and rates of all processes of this server. */
  readonly counts: Counts;
  /** Of the whole server. */
  readonly maxConnections: () => number;
  readonly onRefusal: (refusal: Refusal) => void;
  /** False: nobody is let in, and no message is begun. Absent: true. */
  readonly isAccepting?: (() => boolean) | undefined;
}

interface Guest extends Entry {
  readonly session: SmtpSession;
  source: string | undefined;
  /** Ends its session. */
  readonly end: (reply: Reply) => void;
  /** Whether its place is counted. */
  isIn: boolean;
  /** Whether it may be asked to go. */
  isVouchedFor: boolean;
}

const REFUSALS = {
  source: REPLIES.tooManyFromSource,
  connector: REPLIES.tooManyConnections,
  server: REPLIES.tooManyConnections,
} as const;

export class Crowd {
  readonly #options: CrowdOptions;
  readonly #guests = new WeakMap<SmtpSession, Guest>();
  /** Those without progress for longest come first. */
  readonly #order = new PassingSet<Guest>();

  constructor(options: CrowdOptions) {
    this.#options = options;
  }

  /** What everybody hears while nothing is taken, so that they go elsewhere. */
  get refusal(): Reply | undefined {
    return this.#options.isAccepting?.() === false ? REPLIES.notAccepting : undefined;
  }

  /** Lets a session in, or says why not. Whoever has to go for it is told so. */
  async enter(
    session: SmtpSession,
    connector: ReceiveConnector,
    end: (reply: Reply) => void,
  ): Promise<Reply | undefined> {
    if (this.refusal) return this.refusal;
    const claim = this.#claimOf(session, connector);
    const { source } = claim;
    const guest: Guest = { session, connector: connector.name, source, end, isIn: false, isVouchedFor: false };
    this.#guests.set(session, guest);
    this.#order.add(guest);
    for (;;) {
      const admission = await this.#options.counts.enter(claim);
      if (admission === 'in') return this.#settle(session, guest);
      const victim =
        admission === 'source' ? undefined : this.#findVictim(admission === 'connector' ? guest.connector : undefined);
      if (!victim) {
        this.#forget(guest);
        this.#options.onRefusal({ what: admission, connector, remoteAddress: session.remoteAddress });
        return REFUSALS[admission];
      }
      this.leave(victim.session);
      victim.end(REPLIES.makingRoom);
    }
  }

  /** A message was taken, or something else that only somebody with mail does. */
  progressed(session: SmtpSession): void {
    const guest = this.#guests.get(session);
    if (!guest) return;
    this.#order.delete(guest);
    this.#order.add(guest);
  }

  /** The client proved who it is: it is never asked to go. One of the pair carries everybody's mail and counts for no source. */
  vouchFor(session: SmtpSession, isOfPair: boolean): void {
    const guest = this.#guests.get(session);
    if (!guest) return;
    guest.isVouchedFor = true;
    if (!isOfPair || !guest.isIn || guest.source === undefined) return;
    this.#options.counts.vouch(guest);
    guest.source = undefined;
  }

  /** The session is over; known and counted no more. */
  leave(session: SmtpSession): void {
    const guest = this.#guests.get(session);
    if (!guest) return;
    this.#forget(guest);
    if (guest.isIn) this.#options.counts.leave(guest);
  }

  /** It may have gone while it was counted. */
  #settle(session: SmtpSession, guest: Guest): undefined {
    guest.isIn = true;
    if (this.#guests.get(session) !== guest) this.#options.counts.leave(guest);
  }

  #forget(guest: Guest): void {
    this.#guests.delete(guest.session);
    this.#order.delete(guest);
  }

  #findVictim(connector: string | undefined): Guest | undefined {
    return this.#order.find(
      (guest) => guest.isIn && !guest.isVouchedFor && (connector === undefined || guest.connector === connector),
    );
  }

  #claimOf({ remoteAddress }: SmtpSession, connector: ReceiveConnector): EntryClaim {
    return {
      connector: connector.name,
      source: sourceOf(remoteAddress),
      maxConnections: this.#options.maxConnections(),
      maxInboundConnection: connector.maxInboundConnection,
      maxPerSource: connector.maxInboundConnectionPerSource,
      percentPerSource: connector.maxInboundConnectionPercentagePerSource,
    };
  }
}
