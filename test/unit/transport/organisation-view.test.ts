import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EdgeSyncCredential } from '../../../src/directory/edge-sync-credential.ts';
import type { OrganizationSnapshot } from '../../../src/directory/organization.ts';
import { openSecretKey, type SecretKey, seal } from '../../../src/directory/sealed-secret.ts';
import { DEFAULT_TRANSPORT_CONFIG } from '../../../src/directory/transport-config.ts';
import type { TransportServer } from '../../../src/directory/transport-server.ts';
import { silentLog } from '../../../src/log.ts';
import { deriveScramVerifier, encodeScramVerifier } from '../../../src/smtp/scram-verifier.ts';
import type { Certificate } from '../../../src/tls/certificate.ts';
import { createOrganisationView } from '../../../src/transport/organisation-view.ts';
import { postmasterDomain } from '../../../src/transport/organisation.ts';
import { HandClock } from '../../helpers/hand-clock.ts';
import { accepted, makeOrganisation } from './organisation-fixtures.ts';

const HUB = 'hub01.contoso.test';
const EDGE = 'edge01.perimeter.test';
const START = new Date('2026-01-01T00:00:00.000Z');
const DAY_MS = 86_400_000;
const certificate = { thumbprint: 'x' } as unknown as Certificate;

function server(fqdn: string, role: TransportServer['role'], given: Partial<TransportServer> = {}): TransportServer {
  return { name: fqdn.split('.')[0]?.toUpperCase() ?? '', fqdn, role, certificate, credentials: [], ...given };
}

function credential(given: Partial<EdgeSyncCredential>): EdgeSyncCredential {
  return {
    purpose: 'SMTP',
    userName: 'user',
    sourceServerFqdn: HUB,
    targetServerFqdn: EDGE,
    effective: START,
    expiration: new Date(START.getTime() + 30 * DAY_MS),
    ...given,
  };
}

describe('createOrganisationView', () => {
  let folder: string;
  let secretKey: SecretKey;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'relaypair-view-'));
    secretKey = openSecretKey(folder);
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const sealed = (password: string): Buffer => seal(secretKey.publicKeyPem, password, 'user');

  function makeSnapshot(
    self: TransportServer,
    others: { hubs?: TransportServer[]; edges?: TransportServer[] },
  ): OrganizationSnapshot {
    const parts = { self, site: 'Site', hubs: [], edges: [], servers: [], sendConnectors: [], acceptedDomains: [] };
    return {
      ...parts,
      ...others,
      receiveConnectors: [],
      transportConfig: DEFAULT_TRANSPORT_CONFIG,
    } as unknown as OrganizationSnapshot;
  }

  function view(snapshot: () => OrganizationSnapshot, clock = new HandClock(START)) {
    return createOrganisationView({ clock, log: silentLog(), secretKey, snapshot });
  }

  it('shows a hub its Edges, with its own credential for each and the verifier of each', () => {
    const verifier = deriveScramVerifier('their password');
    const self = server(HUB, 'HubTransport', { credentials: [credential({ sealedPassword: sealed('my password') })] });
    const edge = server(EDGE, 'EdgeTransport', {
      credentials: [
        credential({ sourceServerFqdn: EDGE, targetServerFqdn: HUB, verifier: encodeScramVerifier(verifier) }),
      ],
    });
    const snapshot = makeSnapshot(self, { hubs: [self], edges: [edge] });
    expect(view(() => snapshot)()).toMatchObject({
      role: 'hub',
      fqdn: HUB,
      netbiosName: 'HUB01',
      siteHubs: ['HUB01'],
      peers: [
        {
          fqdn: EDGE,
          role: 'EdgeTransport',
          certificate,
          credential: { userName: 'user', password: 'my password' },
          verifier: { userName: 'user', scram: verifier },
        },
      ],
    });
  });

  it('shows an Edge the hubs', () => {
    const snapshot = makeSnapshot(server(EDGE, 'EdgeTransport'), { hubs: [server(HUB, 'HubTransport')] });
    expect(view(() => snapshot)()).toMatchObject({
      role: 'edge',
      peers: [{ fqdn: HUB, credential: undefined, verifier: undefined }],
    });
  });

  it('takes nobody for a peer whose certificate is not on record', () => {
    const snapshot = makeSnapshot(server(EDGE, 'EdgeTransport'), {
      hubs: [server(HUB, 'HubTransport', { certificate: undefined })],
    });
    expect(view(() => snapshot)().peers).toEqual([]);
  });

  it('has a peer without credential when that cannot be read', () => {
    const credentials = [credential({ sealedPassword: Buffer.from('damaged') })];
    const edge = server(EDGE, 'EdgeTransport', {
      credentials: [credential({ sourceServerFqdn: EDGE, targetServerFqdn: HUB, verifier: 'damaged' })],
    });
    const snapshot = makeSnapshot(server(HUB, 'HubTransport', { credentials }), { edges: [edge] });
    expect(view(() => snapshot)().peers).toMatchObject([{ fqdn: EDGE, credential: undefined, verifier: undefined }]);
  });

  it('is the same value until the directory changes or a minute has passed', () => {
    const clock = new HandClock(START);
    const self = server(HUB, 'HubTransport', {
      credentials: [credential({ effective: new Date(START.getTime() + 600_000), sealedPassword: sealed('later') })],
    });
    let snapshot = makeSnapshot(self, { edges: [server(EDGE, 'EdgeTransport')] });
    const read = view(() => snapshot, clock);
    const first = read();
    expect(first.peers[0]?.credential).toBeUndefined();
    clock.advance(60_000);
    expect(read()).toBe(first);
    clock.advance(600_000);
    expect(read().peers[0]?.credential?.password).toBe('later');
    snapshot = makeSnapshot(self, {});
    expect(read().peers).toEqual([]);
  });

  it('drops a credential that has run out', () => {
    const clock = new HandClock(START);
    const self = server(HUB, 'HubTransport', { credentials: [credential({ sealedPassword: sealed('old') })] });
    const read = view(() => makeSnapshot(self, { edges: [server(EDGE, 'EdgeTransport')] }), clock);
    expect(read().peers[0]?.credential?.password).toBe('old');
    clock.advance(31 * DAY_MS);
    expect(read().peers[0]?.credential).toBeUndefined();
  });
});

describe('postmasterDomain', () => {
  it.each([
    ['the default accepted domain', [accepted('a.test'), accepted('b.test', { default: true })], 'b.test'],
    ['else the first', [accepted('a.test'), accepted('b.test')], 'a.test'],
    ['else the server itself', [], 'hub01.contoso.test'],
  ])('is %s', (_, acceptedDomains, expected) => {
    expect(postmasterDomain(makeOrganisation({ acceptedDomains }))).toBe(expected);
  });
});
