// AD's door on the hub that keeps it: for the accounts that its administrator made, other hubs of the site and readers. No
// account comes by EdgeSync here.

import type { ActiveDirectory } from './active-directory.ts';
import type { Door } from './door.ts';
import { toDoorAccount } from './door-accounts.ts';

export function makeAdDoor(activeDirectory: ActiveDirectory): Door {
  return {
    name: 'AD',
    accounts: () => activeDirectory.snapshot().directoryAccounts.map(toDoorAccount),
    welcome: () => Promise.resolve(),
    write: (operations, author) => activeDirectory.replicate(operations, author),
  };
}
