// This hub's hold on an Edge while it synchronizes it: a lock, taken and renewed by compare and swap on the Edge's own object,
// where every hub of the site looks. After the round it becomes an option, which keeps this hub the preferred one. What the
// lease does not do is protect the data: that is the cookie's work, so a hub that lost its lease can spoil nothing.
// States: free → locked (take) → locked (renewed in time) → optioned (release) → free; or lost, when another hub has it.

import type { Cancel, Clock } from '../clock.ts';
import {
  type EdgeSyncLease,
  formatEdgeSyncLease,
  LEASE_ATTRIBUTE,
  parseEdgeSyncLease,
} from '../directory/edge-sync-lease.ts';
import type { EdgeSyncServiceConfig } from '../directory/edge-sync-service-config.ts';
import type { LdapClient } from '../ldap/client.ts';
import type { Change } from '../ldap/entry.ts';
import { LdapFault, ResultCode } from '../ldap/result.ts';
import type { Log } from '../log.ts';
import { messageOf, Problem } from '../problem.ts';

export interface LeaseOptions {
  /** Name of the Edge, for sentences. */
  readonly edgeName: string;
  /** DN of the Edge's own object in its ADAM. */
  readonly ownDn: string;
  /** NetBIOS name of this hub. */
  readonly hubName: string;
  /** A manual round overrides another hub's option, never its lock. */
  readonly isManual: boolean;
  readonly durations: Pick<EdgeSyncServiceConfig, 'lockDurationMs' | 'lockRenewalDurationMs' | 'optionDurationMs'>;
  readonly clock: Clock;
  readonly log: Log;
  /** A connection of its own for each renewal: the round's may be in the middle of its transaction. */
  readonly connect: () => Promise<LdapClient>;
}

/** Who stands in the way: the holder of a lease that this hub may not take now. Pure. */
export function findHolder(
  text: string | undefined,
  { hubName, isManual }: Pick<LeaseOptions, 'hubName' | 'isManual'>,
  now: Date,
): EdgeSyncLease | undefined {
  const lease = parseEdgeSyncLease(text);
  if (!lease || lease.expires.getTime() <= now.getTime()) return undefined;
  if (lease.holder.toLowerCase() === hubName.toLowerCase()) return undefined;
  return lease.kind === 'Option' && isManual ? undefined : lease;
}

/** Owns the timer of its renewals. */
export class EdgeLease {
  readonly #options: LeaseOptions;
  /** The value that is there as far as this hub knows. */
  #text: string | undefined;
  #lockedUntil = new Date(0);
  #isLost = false;
  #cancel: Cancel = () => undefined;
  #renewal: Promise<void> = Promise.resolve();

  /** Takes the lock. `text` is the lease as just read. Throws Problem `lease-held` when another hub has it. */
  static async take(client: LdapClient, text: string | undefined, options: LeaseOptions): Promise<EdgeLease> {
    const { clock, edgeName } = options;
    const holder = findHolder(text, options, clock.now());
    if (holder) throw held(edgeName, holder);
    const lease = new EdgeLease(text, options);
    if (!(await lease.#swap(client, 'Lock'))) throw held(edgeName);
    lease.#planRenewal();
    return lease;
  }

  private constructor(text: string | undefined, options: LeaseOptions) {
    this.#text = text;
    this.#options = options;
  }

  /** Throws Problem `lease-lost` when this hub holds the lock no longer. */
  insist(): void {
    const { clock, edgeName } = this.#options;
    if (!this.#isLost && clock.now().getTime() < this.#lockedUntil.getTime()) return;
    throw new Problem(
      'lease-lost',
      `this hub lost its lock on ${edgeName} while it synchronized: nothing was written, another hub goes on or the next round does`,
    );
  }

  /** Ends the lock and leaves an option behind. Never rejects: a lock that stays ends by its time. */
  async release(client: LdapClient): Promise<void> {
    this.#cancel();
    await this.#renewal;
    // A renewal that was under way has planned the next one, which would lock the Edge for good.
    this.#cancel();
    if (this.#isLost) return;
    try {
      await this.#swap(client, 'Option');
    } catch (error) {
      this.#options.log.debug({ edge: this.#options.edgeName, error: messageOf(error) }, 'the lock was left to expire');
    }
  }

  #planRenewal(): void {
    const { clock, durations } = this.#options;
    const waitMs = durations.lockDurationMs - durations.lockRenewalDurationMs;
    this.#cancel = clock.schedule(realTime(clock, waitMs), () => {
      this.#renewal = this.#renew();
    });
  }

  async #renew(): Promise<void> {
    const { connect, log, edgeName } = this.#options;
    try {
      const client = await connect();
      try {
        this.#isLost = !(await this.#swap(client, 'Lock'));
      } finally {
        await client.close();
      }
    } catch (error) {
      log.warn({ edge: edgeName, error: messageOf(error) }, 'the lock on an Edge could not be renewed');
    }
    if (!this.#isLost) this.#planRenewal();
  }

  /** False when the value that is there is not the one that was known. */
  async #swap(client: LdapClient, kind: EdgeSyncLease['kind']): Promise<boolean> {
    const { clock, durations, hubName, ownDn } = this.#options;
    const durationMs = kind === 'Lock' ? realTime(clock, durations.lockDurationMs) : durations.optionDurationMs;
    const expires = new Date(clock.now().getTime() + durationMs);
    const next = formatEdgeSyncLease({ holder: hubName, kind, expires });
    if (next === this.#text) return true;
    try {
      await client.apply([{ kind: 'modify', dn: ownDn, changes: swapChanges(this.#text, next) }]);
    } catch (error) {
      if (error instanceof LdapFault && OVERTAKEN.has(error.resultCode)) return false;
      throw error;
    }
    this.#text = next;
    if (kind === 'Lock') this.#lockedUntil = expires;
    return true;
  }
}

/** A lock is kept for the time that a round takes, and a round is work of the machine, however fast the laboratory's clock runs. */
function realTime({ speed }: Clock, durationMs: number): number {
  return durationMs * Math.max(1, speed);
}

/** What a directory says when the old value is gone, or there is one where none was. */
const OVERTAKEN: ReadonlySet<number> = new Set([
  ResultCode.noSuchAttribute,
  ResultCode.attributeOrValueExists,
  ResultCode.constraintViolation,
]);

function swapChanges(before: string | undefined, next: string): Change[] {
  const change = (operation: Change['operation'], value: string): Change => ({
    operation,
    attribute: LEASE_ATTRIBUTE,
    values: [Buffer.from(value)],
  });
  return [...(before === undefined ? [] : [change('delete', before)]), change('add', next)];
}

function held(edgeName: string, lease?: EdgeSyncLease): Problem {
  if (!lease) return new Problem('lease-held', `another hub has just begun to synchronize ${edgeName}: wait for it`);
  const { holder, kind, expires } = lease;
  const until = expires.toISOString();
  return new Problem(
    'lease-held',
    kind === 'Lock'
      ? `${holder} synchronizes ${edgeName} now (lock until ${until}): wait for it`
      : `${holder} is the preferred hub for ${edgeName} (option until ${until}): Start-EdgeSynchronization here overrides it`,
  );
}
