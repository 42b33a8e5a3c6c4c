// ADAM's door: EdgeSync's accounts while their window is open, and the readers that the Edge's administrator made. The first
// bind of a replication account ends the bootstrap account. What EdgeSync may write is adam-access.ts.

import type { Clock } from '../clock.ts';
import { normalizeDn } from '../ldap/dn.ts';
import type { Account } from './account.ts';
import type { Adam } from './adam.ts';
import { type AccessScene, findForbidden } from './adam-access.ts';
import type { Door, DoorAccount, Rights } from './door.ts';
import { toDoorAccount } from './door-accounts.ts';
import { PASSWORDS } from './door-rights.ts';
import { isInForce } from './edge-sync-credential.ts';
import type { Recorded } from './view.ts';

export interface AdamDoorOptions {
  readonly adam: Adam;
  readonly clock: Clock;
  /** Told of every bind of EdgeSync's that succeeded. */
  readonly onBound?: (account: Account, remoteAddress: string) => void;
}

export function makeAdamDoor({ adam, clock, onBound }: AdamDoorOptions): Door {
  const inForce = (): readonly Recorded<Account>[] => {
    const now = clock.now();
    return adam.snapshot().accounts.filter((account) => isInForce(account, now));
  };
  return {
    name: 'ADAM',
    accounts: () => {
      const rights = edgeSyncRights(adam);
      const readers = adam.snapshot().directoryAccounts.map(toDoorAccount);
      return [...inForce().map((account) => toEdgeSyncAccount(account, rights)), ...readers];
    },
    welcome: async ({ dn }, remoteAddress) => {
      const account = inForce().find(({ record }) => record.dn === dn);
      if (account?.kind === 'replication') await adam.endBootstrap(account);
      if (account) onBound?.(account, remoteAddress);
    },
    write: (operations, author) => adam.replicate(operations, author),
  };
}

function toEdgeSyncAccount({ name, record, passwordVerifier }: Recorded<Account>, rights: Rights): DoorAccount {
  return { name, dn: record.dn, passwordVerifier, certificate: undefined, rights };
}

function edgeSyncRights(adam: Adam): Rights {
  return {
    hidden: PASSWORDS,
    findForbidden: (operations) => findForbidden(operations, accessScene(adam)),
  };
}

function accessScene(adam: Adam): AccessScene {
  const { self, accounts } = adam.snapshot();
  const replication = accounts.filter(({ kind }) => kind === 'replication');
  return {
    layout: adam.layout,
    recipientsKey: normalizeDn(adam.layout.recipients),
    edgeName: self.name,
    cookies: self.edgeSyncCookies ?? [],
    replicationAccounts: new Set(replication.map(({ record }) => normalizeDn(record.dn))),
  };
}
