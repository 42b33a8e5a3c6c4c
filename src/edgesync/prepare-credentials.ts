// Makes in AD what the hubs of the site and an Edge prove themselves with to each other, where there is none, it ends soon, or the
// Edge's key for secrets is another: an account in ADAM for every hub that takes part in EdgeSync, and for every hub of the
// site, one that came later included, a credential for mail in each direction. All of it is one change.

import { replicationAccountName } from '../directory/account.ts';
import type { EdgeSyncCredential } from '../directory/edge-sync-credential.ts';
import type { EdgeSubscription } from '../directory/edge-subscription.ts';
import { hasCertificate, type TransportServer } from '../directory/transport-server.ts';
import { Problem } from '../problem.ts';
import { isSameName } from '../directory/organization.ts';
import { carriedHubs } from './carried-hubs.ts';
import { type MailCredentials, makeMailCredentials, makeReplicationCredential, takesPartInSync } from './credential.ts';
import {
  ACCOUNT_ROTATION,
  findDueWindow,
  hasEnded,
  MAIL_ROTATION,
  type Rotation,
  type Window,
  windowNow,
} from './credential-rotation.ts';
import type { EdgeState } from './edge-state.ts';
import type { SyncPreparation } from './sync-preparation.ts';
import type { SyncScene } from './sync-type.ts';

export const prepareCredentials: SyncPreparation = { name: 'credentials', prepare: ensureCredentials };

/** A hub, and what was made for it. */
interface Made {
  readonly hub: TransportServer;
  readonly account: EdgeSyncCredential | undefined;
  readonly mail: MailCredentials | undefined;
  /** What was made takes the place of all before: the Edge has another key, and cannot read those. */
  readonly isInPlace: boolean;
  /** Some of what was there has ended. */
  readonly isStale: boolean;
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
  const news = made.filter(({ account, mail, isStale }) => account || mail || isStale);
  if (news.length === 0) return;
  const now = clock.now();
  // Making them took a while: a round with another Edge, or another hub, may have added to these lists meanwhile.
  await activeDirectory.changeServers([
    {
      name: edge.name,
      change: ({ credentials }) => ({
        encryptionKeyPem,
        credentials: edgeCredentials(credentials, edge, { news, now }),
      }),
    },
    ...news.map((made) => ({
      name: made.hub.name,
      change: ({ credentials }: TransportServer) => ({ credentials: hubCredentials(credentials, edge, { made, now }) }),
    })),
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
  const isInPlace = edge.encryptionKeyPem !== encryptionKeyPem;
  const find = (rotation: Rotation, ...known: (readonly EdgeSyncCredential[])[]): Window | undefined =>
    isInPlace
      ? windowNow(rotation, now)
      : known.map((each) => findDueWindow(each, rotation, now)).find((window) => window !== undefined);
  const accountWindow = takesPartInSync(hub, edge.fqdn) ? find(ACCOUNT_ROTATION, known('LDAP', hub, edge)) : undefined;
  const mailWindow = find(MAIL_ROTATION, known('SMTP', hub, edge), known('SMTP', edge, hub));
  const accountName = replicationAccountName(edge.name, hub.name, nextAccountNumber(edge.name, hub, state));
  return {
    hub,
    account: accountWindow && (await makeReplicationCredential(pair, accountName, accountWindow)),
    mail: mailWindow && makeMailCredentials(pair, mailWindow),
    isInPlace,
    isStale: [...hub.credentials, ...edge.credentials].some((old) => isBetween(old, hub, edge) && hasEnded(old, now)),
  };
}

/** What `source` proves itself with to `target`; the bootstrap credential is nobody's own. */
function known(
  purpose: EdgeSyncCredential['purpose'],
  source: TransportServer,
  target: TransportServer,
): readonly EdgeSyncCredential[] {
  return source.credentials.filter(
    (credential) =>
      credential.purpose === purpose &&
      isSameName(credential.sourceServerFqdn, source.fqdn) &&
      isSameName(credential.targetServerFqdn, target.fqdn),
  );
}

/** The bootstrap credential included. */
function isBetween(
  { sourceServerFqdn, targetServerFqdn }: EdgeSyncCredential,
  hub: TransportServer,
  edge: TransportServer,
): boolean {
  if (!isSameName(targetServerFqdn, edge.fqdn))
    return isSameName(sourceServerFqdn, edge.fqdn) && isSameName(targetServerFqdn, hub.fqdn);
  return sourceServerFqdn === '' || isSameName(sourceServerFqdn, hub.fqdn);
}

/** What the Edge's list becomes. Those for hubs that got none now stay. */
function edgeCredentials(
  credentials: readonly EdgeSyncCredential[],
  edge: EdgeSubscription,
  { news, now }: { news: readonly Made[]; now: Date },
): readonly EdgeSyncCredential[] {
  const isReplaced = (old: EdgeSyncCredential): boolean =>
    hasEnded(old, now) || news.some(({ hub, mail, isInPlace }) => isInPlace && mail && isBetween(old, hub, edge));
  return [...credentials.filter((old) => !isReplaced(old)), ...news.flatMap(({ mail }) => mail?.onEdge ?? [])];
}

/** What the hub's list becomes. Those for other Edges stay. */
function hubCredentials(
  credentials: readonly EdgeSyncCredential[],
  edge: EdgeSubscription,
  { made: { hub, account, mail, isInPlace }, now }: { made: Made; now: Date },
): readonly EdgeSyncCredential[] {
  const isReplaced = (old: EdgeSyncCredential): boolean => {
    if (!isBetween(old, hub, edge)) return false;
    const isOwn = old.sourceServerFqdn !== '';
    return hasEnded(old, now) || (isInPlace && isOwn && (old.purpose === 'LDAP' ? account : mail) !== undefined);
  };
  return [
    ...credentials.filter((old) => !isReplaced(old)),
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
