import { describe, expect, it } from 'vitest';
import { listTrust, type TrustScene } from '../../../src/cmdlets/trust-status.ts';
import {
  acknowledge,
  publishCertificate,
  type RenewalState,
  stageCertificate,
} from '../../../src/directory/certificate-renewal.ts';
import type { OrganizationSnapshot } from '../../../src/directory/organization.ts';
import type { TransportServer } from '../../../src/directory/transport-server.ts';
import { makeCertificate } from '../directory/fixtures.ts';

const NOW = new Date();
const DAY_MS = 86_400_000;
const [hubNow, hubNext, edgeNow, edgeNext] = ['hub01', 'hub01', 'edge01', 'edge01'].map(makeCertificate);
const STAGING = { gracePeriodMs: DAY_MS, now: NOW };

function said(server: string, certificate = hubNow) {
  return { server, sha256: certificate!.sha256, at: NOW, effective: NOW };
}

function sceneOf(
  self: 'hub' | 'edge',
  servers: { hub?: RenewalState; edge?: RenewalState & Partial<TransportServer> },
): TrustScene {
  const hub = { name: 'HUB01', role: 'HubTransport', site: 'S', ...servers.hub };
  const edge = { name: 'EDGE01', role: 'EdgeTransport', site: 'S', ...servers.edge };
  const snapshot = { self: self === 'hub' ? hub : edge, hubs: [hub], edges: self === 'hub' ? [edge] : [] };
  return {
    snapshot: snapshot as unknown as OrganizationSnapshot,
    now: NOW,
    shown: (self === 'hub' ? servers.hub : servers.edge)?.certificate,
    staleEdges: [],
  };
}

/** "server part: state" of every row. */
function told(scene: TrustScene): string[] {
  return listTrust(scene).map(({ server, part, state }) => `${server} ${part}: ${state}`);
}

describe('the trust status of a Hub', () => {
  const hub = acknowledge({ certificate: hubNow }, said('EDGE01'));
  const edge = acknowledge({ certificate: edgeNow }, said('HUB01', edgeNow));

  it('is that everything matches after a synchronization', () => {
    const scene = sceneOf('hub', { hub, edge });
    expect(told(scene)).toEqual(['HUB01 current: matches', 'EDGE01 current: matches']);
    expect(listTrust(scene)).toMatchObject([
      { heldHere: 'AD', heldThere: ['EDGE01'], acknowledgedAt: NOW },
      { heldHere: 'AD', heldThere: ['HUB01'], acknowledgedAt: NOW },
    ]);
  });

  it('names the Edge that does not have its certificate yet, current or staged', () => {
    const staged = stageCertificate({ certificate: hubNow }, hubNext!, STAGING);
    expect(told(sceneOf('hub', { hub: staged, edge }))).toEqual([
      'HUB01 current: waiting for acknowledgement by EDGE01: Start-EdgeSynchronization',
      'HUB01 next: waiting for acknowledgement by EDGE01',
      'EDGE01 current: matches',
    ]);
  });

  it('has the previous certificate with the end of its grace period', () => {
    const renewed = publishCertificate(stageCertificate(hub, hubNext!, STAGING), hubNext, NOW);
    const until = new Date(NOW.getTime() + DAY_MS);
    expect(listTrust(sceneOf('hub', { hub: acknowledge(renewed, said('EDGE01', hubNext)), edge }))).toMatchObject([
      { part: 'current', since: NOW, state: 'matches' },
      { part: 'previous', until, state: `previous, on record until ${until.toISOString()}` },
      {},
    ]);
  });

  it('says that an Edge is stale and must be subscribed again', () => {
    const scene = { ...sceneOf('hub', { hub, edge }), staleEdges: ['edge01'] };
    expect(told(scene)).toContain('EDGE01 current: stale: it shows another one, subscribe again');
  });

  it('says that a certificate has expired, or is in use and not on record', () => {
    const later = { ...sceneOf('hub', { hub, edge }), now: new Date(NOW.getTime() + 400 * DAY_MS) };
    expect(told(later)[0]).toMatch(/^HUB01 current: expired on .*; matches$/);
    expect(told({ ...sceneOf('hub', { hub, edge }), shown: hubNext })).toContain(
      'HUB01 in use: in use, the directory could not be written yet',
    );
  });
});

describe('the trust status of an Edge', () => {
  const hub: RenewalState = { certificate: hubNow };
  const edge = { ...acknowledge({ certificate: edgeNow }, said('HUB01', edgeNow)), subscriptionExportedAt: NOW };

  it('is that everything matches after a synchronization', () => {
    const scene = sceneOf('edge', { hub, edge });
    expect(told(scene)).toEqual(['EDGE01 current: matches', 'HUB01 current: matches']);
    expect(listTrust(scene)[1]).toMatchObject({ heldHere: 'ADAM', heldThere: ['HUB01'] });
  });

  it('is stale once its certificate was replaced without -Staged', () => {
    const replaced = { ...edge, ...publishCertificate(edge, edgeNext, NOW) };
    expect(told(sceneOf('edge', { hub, edge: replaced }))[0]).toBe(
      'EDGE01 current: stale: AD does not have it, subscribe again',
    );
  });

  it('is not stale while it stages', () => {
    const staged = { ...edge, ...stageCertificate(edge, edgeNext!, STAGING) };
    expect(told(sceneOf('edge', { hub, edge: staged }))).toEqual([
      'EDGE01 current: matches',
      'EDGE01 next: waiting for acknowledgement by a Hub',
      'HUB01 current: matches',
    ]);
  });

  it('says why a Hub refused the staged one', () => {
    const staged = stageCertificate(edge, edgeNext!, STAGING);
    const refused = acknowledge(staged, {
      ...said('HUB01', edgeNext),
      refused: 'it does not name edge01.perimeter.test',
    });
    expect(told(sceneOf('edge', { hub, edge: { ...edge, ...refused } }))[1]).toBe(
      'EDGE01 next: refused by HUB01: it does not name edge01.perimeter.test',
    );
  });

  it('says that it is not subscribed', () => {
    const alone = sceneOf('edge', { edge: { certificate: edgeNow } });
    expect(told({ ...alone, snapshot: { ...alone.snapshot, hubs: [] } })).toEqual(['EDGE01 current: not subscribed']);
  });
});
