// Makes this hub's credentials for an Edge when there are none, they end soon, or the Edge's key for secrets is another.

import { replicationAccountName } from '../directory/account.ts';
import { chooseCredential } from '../directory/edge-sync-credential.ts';
import { hasCertificate, type TransportServer } from '../directory/transport-server.ts';
import { Problem } from '../problem.ts';
import { makePairCredentials } from './credential.ts';
import type { EdgeState } from './edge-state.ts';
import type { SyncPreparation } from './sync-preparation.ts';
import type { SyncScene } from './sync-type.ts';

/** A credential that ends within this time is replaced by the next round. */
const RENEW_BEFORE_MS = 30 * 86_400_000;

export const prepareCredentials: SyncPreparation = { name: 'credentials', prepare: ensureCredentials };

async function ensureCredentials({ activeDirectory, clock, secretKey, edge, state }: SyncScene): Promise<void> {
  refuseSharedCertificate(activeDirectory.snapshot().hubs, state.self);
  const { encryptionKeyPem } = state.self;
  if (encryptionKeyPem === undefined)
    throw new Problem('edge-incomplete', `${edge.name} has published no key for secrets: restart it`);
  const { self } = activeDirectory.snapshot();
  const soon = new Date(clock.now().getTime() + RENEW_BEFORE_MS);
  const known = chooseCredential(
    self.credentials,
    { purpose: 'LDAP', sourceServerFqdn: self.fqdn, targetServerFqdn: edge.fqdn },
    soon,
  );
  if (known && edge.encryptionKeyPem === encryptionKeyPem) return;
  const account = replicationAccountName(edge.name, self.name, nextAccountNumber(edge.name, self, state));
  const made = await makePairCredentials(
    {
      hub: { fqdn: self.fqdn, encryptionKeyPem: secretKey.publicKeyPem },
      edge: { fqdn: edge.fqdn, encryptionKeyPem },
    },
    account,
    clock.now(),
  );
  await activeDirectory.updateServer(edge.name, { encryptionKeyPem, credentials: made.onEdge });
  const others = self.credentials.filter(
    ({ targetServerFqdn, sourceServerFqdn }) => targetServerFqdn !== edge.fqdn || sourceServerFqdn === '',
  );
  await activeDirectory.updateServer(self.name, { credentials: [...others, ...made.onHub] });
}

function nextAccountNumber(edgeName: string, hub: TransportServer, state: EdgeState): number {
  const prefix = replicationAccountName(edgeName, hub.name, 0).replace(/0$/, '').toLowerCase();
  const names = [...state.accountNames, ...hub.credentials.map(({ userName }) => userName)];
  const numbers = names
    .filter((name) => name.toLowerCase().startsWith(prefix))
    .map((name) => Number(name.slice(prefix.length)));
  return Math.max(-1, ...numbers.filter(Number.isInteger)) + 1;
}

/** One certificate on two servers would let each pass for the other. */
function refuseSharedCertificate(hubs: readonly TransportServer[], edge: TransportServer): void {
  const { certificate } = edge;
  const shared = certificate && hubs.find((hub) => hasCertificate(hub, certificate));
  if (!shared) return;
  throw new Problem(
    'certificate-on-two-servers',
    `${edge.name} and ${shared.name} have the same certificate ${certificate.thumbprint}: every server needs one of its own`,
  );
}
