// Makes in AD what the hubs of the site and an Edge prove themselves with to each other, where there is none, it ends soon, or the
// Edge's key for secrets is another: an account in ADAM for every hub that takes part in EdgeSync, and for every hub of the
// site, one that came later included, a credential for mail in each direction. All of it is one change.

import { replicationAccountName } from '../directory/account.ts';
import { chooseCredential, type EdgeSyncCredential } from '../directory/edge-sync-credential.ts';
import type { EdgeSubscription } from '../directory/edge-subscription.ts';
import { hasCertificate, type TransportServer } from '../directory/transport-server.ts';
import { Problem } from '../problem.ts';
import { carriedHubs } from './carried-hubs.ts';
import { type MailCredentials, makeMailCredentials, makeReplicationCredential, takesPartInSync } from './credential.ts';
import type { EdgeState } from './edge-state.ts';
import type { SyncPreparation } from './sync-preparation.ts';
import type { SyncScene } from './sync-type.ts';

/** A credential that ends within this time is replaced by the next round. */
const RENEW_BEFORE_MS = 30 * 86_400_000;

export const prepareCredentials: SyncPreparation = { name: 'credentials', prepare: ensureCredentials };

/** A hub, and what was made for it. */
interface Made {
  readonly hub: TransportServer;
  readonly account: EdgeSyncCredential | undefined;
  readonly mail: MailCredentials | undefined;
}

/** A hub that has published no key for secrets has never run: it gets its credentials when it has. */
type ReadyServer<T extends TransportServer> = T & { readonly encryptionKeyPem: string };

async function ensureCredentials({ activeDirectory, clock, edge, state }: SyncScene): Promise<void> {
  const snapshot = activeDirectory.snapshot();
  refuseSharedCertificate(snapshot.hubs, state.self);
  const { encryptionKeyPem } = state.self;
  if (encryptionKeyPem === undefined)
    throw new Problem('edge-incomplete', `${edge.name} has published no key for secrets: restart it`);
  const hubs = carriedHubs(snapshot, edge).filter(isReady);
  const made = await Promise.all(hubs.map((hub) => makeWhatIsDue(hub, { edge, state, now: clock.now() })));
  const news = made.filter(({ account, mail }) => account || mail);
  if (news.length === 0) return;
  await activeDirectory.updateServers([
    { name: edge.name, changes: { encryptionKeyPem, credentials: edgeCredentials(edge, news) } },
    ...news.map((each) => ({ name: each.hub.name, changes: { credentials: hubCredentials(edge, each) } })),
  ]);
}

function isReady(server: TransportServer): server is ReadyServer<TransportServer> {
  return server.encryptionKeyPem !== undefined;
}

async function makeWhatIsDue(
  hub: ReadyServer<TransportServer>,
  { edge, state, now }: { edge: EdgeSubscription; state: EdgeState; now: Date },
): Promise<Made> {
  const { encryptionKeyPem = '', passwordScheme } = state.self;
  const pair = { hub, edge: { fqdn: edge.fqdn, encryptionKeyPem, passwordScheme } };
  const soon = new Date(now.getTime() + RENEW_BEFORE_MS);
  const isKeyNew = edge.encryptionKeyPem !== encryptionKeyPem;
  const isAccountDue = takesPartInSync(hub, edge.fqdn) && (isKeyNew || !hasCredential('LDAP', hub, edge, soon));
  const isMailDue = isKeyNew || !hasCredential('SMTP', hub, edge, soon) || !hasCredential('SMTP', edge, hub, soon);
  const accountName = replicationAccountName(edge.name, hub.name, nextAccountNumber(edge.name, hub, state));
  return {
    hub,
    account: isAccountDue ? await makeReplicationCredential(pair, accountName, now) : undefined,
    mail: isMailDue ? makeMailCredentials(pair, now) : undefined,
  };
}

function hasCredential(
  purpose: EdgeSyncCredential['purpose'],
  source: TransportServer,
  target: TransportServer,
  at: Date,
): boolean {
  const wanted = { purpose, sourceServerFqdn: source.fqdn, targetServerFqdn: target.fqdn };
  return chooseCredential(source.credentials, wanted, at) !== undefined;
}

/** Those for hubs that got none now stay. */
function edgeCredentials(edge: EdgeSubscription, news: readonly Made[]): readonly EdgeSyncCredential[] {
  const mail = news.flatMap((made) => made.mail?.onEdge ?? []);
  return [
    ...edge.credentials.filter(
      (old) => !mail.some(({ targetServerFqdn }) => targetServerFqdn === old.targetServerFqdn),
    ),
    ...mail,
  ];
}

function hubCredentials(edge: EdgeSubscription, { hub, account, mail }: Made): readonly EdgeSyncCredential[] {
  const isReplaced = ({ targetServerFqdn, sourceServerFqdn, purpose }: EdgeSyncCredential): boolean =>
    targetServerFqdn === edge.fqdn && sourceServerFqdn !== '' && (purpose === 'LDAP' ? account : mail) !== undefined;
  return [
    ...hub.credentials.filter((old) => !isReplaced(old)),
    ...(account ? [account] : []),
    ...(mail ? [mail.onHub] : []),
  ];
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
