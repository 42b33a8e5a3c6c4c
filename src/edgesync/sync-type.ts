// The kind: one type of data that EdgeSync carries, as Exchange tells them apart (Configuration, Recipients). A round with an
// Edge (sync-round.ts) connects, reads the Edge's own object, prepares (sync-preparation.ts), and then asks every type of
// the table in sync-types.ts for its plan and writes each plan as one LDAP transaction. To carry something more, write a
// file with a SyncType and list it there; a plan only reads, it never writes itself.

import type { EdgeSubscription } from '../directory/edge-subscription.ts';
import type { LdapClient } from '../ldap/client.ts';
import type { LdapOperation } from '../ldap/entry.ts';
import type { EdgeConnectionOptions } from './edge-connection.ts';
import type { EdgeState } from './edge-state.ts';

/** Exchange's words, as Start-EdgeSynchronization shows them. */
export type SyncTypeName = 'Configuration' | 'Recipients';

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

export interface SyncPlan {
  /** Written as one transaction: the Edge has all of them or none. */
  readonly operations: readonly LdapOperation[];
  readonly counts: SyncCounts;
}

export interface SyncType {
  readonly name: SyncTypeName;
  /** Compares AD with the Edge and says what to do. Throws Problem for what keeps it from doing so. */
  plan(scene: SyncScene): Promise<SyncPlan>;
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
