// The kind: one type of data that EdgeSync carries, as Exchange tells them apart (Configuration, Recipients). A round with an
// Edge (sync-round.ts) connects, takes the lease, reads the Edge's own object, prepares (sync-preparation.ts), and then asks
// each type that is due for its plan. It writes the plan as one LDAP transaction behind the step of that type's cookie. To
// carry something more, write a file with a SyncType and list it in sync-types.ts; a plan only reads, it never writes itself.

import type { SyncTypeName } from '../directory/edge-sync-cookie.ts';
import type { EdgeSubscription } from '../directory/edge-subscription.ts';
import type { LdapClient } from '../ldap/client.ts';
import type { LdapOperation } from '../ldap/entry.ts';
import type { EdgeConnectionOptions } from './edge-connection.ts';
import type { EdgeState } from './edge-state.ts';

/** What a type plans on. */
export interface SyncScene extends EdgeConnectionOptions {
  /** The Edge as AD has it at this moment, read after all preparations. */
  readonly edge: EdgeSubscription;
  /** Bound to the Edge's ADAM: for reading what the Edge holds. */
  readonly client: LdapClient;
  readonly state: EdgeState;
}

/** What a round says it did; the meaning of each is Exchange's. */
export interface SyncCounts {
  readonly added: number;
  readonly deleted: number;
  readonly updated: number;
  /** Objects looked at in AD. */
  readonly scanned: number;
  /** Objects looked at on the Edge. */
  readonly targetScanned: number;
}

export const NOTHING_COUNTED: SyncCounts = { added: 0, deleted: 0, updated: 0, scanned: 0, targetScanned: 0 };

export interface SyncPlan {
  /** Written in one transaction: the Edge has all of them or none. None of them touches the cookies. They may be made on the way. */
  readonly operations: Iterable<LdapOperation> | AsyncIterable<LdapOperation>;
  /** Right when all operations have been read. */
  readonly counts: SyncCounts;
  /** Where AD's change feed stood before anything was read for the plan; absent when AD keeps none. Goes into the cookie. */
  readonly position?: string | undefined;
}

export interface SyncType {
  readonly name: SyncTypeName;
  /**
   * Says what to do. With `since`, a position that a plan of this type gave before, only what changed since needs to be
   * looked at; without it everything is compared. Throws Problem `position-unknown` when AD cannot tell what changed since
   * then: the round then asks again without; any other Problem ends the round of this type, and the Edge keeps what it had.
   */
  plan(scene: SyncScene, since: string | undefined): Promise<SyncPlan>;
}

/** The counts of operations, with what was looked at to find them. */
export function countOperations(
  operations: readonly LdapOperation[],
  looked: Pick<SyncCounts, 'scanned' | 'targetScanned'>,
): SyncCounts {
  const count = (kind: LdapOperation['kind']): number =>
    operations.filter((operation) => operation.kind === kind).length;
  return { added: count('add'), deleted: count('delete'), updated: count('modify'), ...looked };
}
