// Makes transport's value of the organisation out of a directory's snapshot: who the peers are, what this server proves
// itself with to each and what each proves itself with here. Kept until the snapshot changes, and looked at again each
// minute, since credentials come into force and run out by the clock.

import type { Clock } from '../clock.ts';
import { chooseCredential } from '../directory/edge-sync-credential.ts';
import type { OrganizationSnapshot } from '../directory/organization.ts';
import { type SecretKey, unseal } from '../directory/sealed-secret.ts';
import { heldBy, type TransportServer } from '../directory/transport-server.ts';
import type { Log } from '../log.ts';
import { messageOf } from '../problem.ts';
import { decodeScramVerifier } from '../smtp/scram-verifier.ts';
import type { Organisation, Peer } from './organisation.ts';

export interface OrganisationViewOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly snapshot: () => OrganizationSnapshot;
  readonly secretKey: SecretKey;
}

const MAX_AGE_MS = 60_000;

/** A function that gives the current value; cheap to call for every decision. */
export function createOrganisationView(options: OrganisationViewOptions): () => Organisation {
  let from: OrganizationSnapshot | undefined;
  let madeMs = 0;
  let value: Organisation | undefined;
  return () => {
    const snapshot = options.snapshot();
    const nowMs = options.clock.elapsedMs();
    if (!value || snapshot !== from || nowMs - madeMs > MAX_AGE_MS) {
      value = readOrganisation(snapshot, options);
      from = snapshot;
      madeMs = nowMs;
    }
    return value;
  };
}

function readOrganisation(snapshot: OrganizationSnapshot, options: OrganisationViewOptions): Organisation {
  const { self } = snapshot;
  const isHub = self.role === 'HubTransport';
  const others = isHub ? snapshot.edges : snapshot.hubs;
  return {
    role: isHub ? 'hub' : 'edge',
    fqdn: self.fqdn,
    netbiosName: self.name,
    site: snapshot.site,
    siteHubs: snapshot.hubs.map(({ name }) => name),
    peers: others.flatMap((other) => readPeer(self, other, options)),
    acceptedDomains: snapshot.acceptedDomains,
    sendConnectors: snapshot.sendConnectors,
    receiveConnectors: snapshot.receiveConnectors,
    transportConfig: snapshot.transportConfig,
  };
}

/** Nobody is a peer whose certificate is not on record. */
function readPeer(self: TransportServer, other: TransportServer, options: OrganisationViewOptions): Peer[] {
  const { name, fqdn, role, certificate } = other;
  if (!certificate) return [];
  return [
    {
      name,
      fqdn,
      role,
      certificate,
      others: heldBy(other).others,
      credential: readCredential(self, other, options),
      verifier: readVerifier(self, other, options),
    },
  ];
}

function readCredential(
  self: TransportServer,
  other: TransportServer,
  { clock, log, secretKey }: OrganisationViewOptions,
): Peer['credential'] {
  const wanted = { purpose: 'SMTP', sourceServerFqdn: self.fqdn, targetServerFqdn: other.fqdn } as const;
  const found = chooseCredential(self.credentials, wanted, clock.now());
  if (!found?.sealedPassword) return undefined;
  try {
    return {
      userName: found.userName,
      password: unseal(secretKey, found.sealedPassword, found.userName).toString('utf8'),
    };
  } catch (error) {
    log.error({ peer: other.fqdn, error: messageOf(error) }, 'the credential for a peer cannot be read');
    return undefined;
  }
}

function readVerifier(
  self: TransportServer,
  other: TransportServer,
  { clock, log }: OrganisationViewOptions,
): Peer['verifier'] {
  const wanted = { purpose: 'SMTP', sourceServerFqdn: other.fqdn, targetServerFqdn: self.fqdn } as const;
  const found = chooseCredential(other.credentials, wanted, clock.now());
  if (found?.verifier === undefined) return undefined;
  try {
    return { userName: found.userName, scram: decodeScramVerifier(found.verifier) };
  } catch (error) {
    log.error({ peer: other.fqdn, error: messageOf(error) }, 'the verifier of a peer cannot be read');
    return undefined;
  }
}
