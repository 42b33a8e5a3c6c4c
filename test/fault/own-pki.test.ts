// Fault, or none: certificates that do not come from relaypair. A company's own authority signs, the Edge has RSA in a PFX, the
// Hub ECDSA in PEM; direct trust asks no authority, so that they serve in the same subscription. One on two servers does not.

import { describe, expect, it } from 'vitest';
import { OwnAuthority } from '../helpers/own-authority.ts';
import { Relaying, TRUSTED_TLS } from '../helpers/relaying.ts';
import type { Role } from '../helpers/servers.ts';

const FLOWING = { outbound: TRUSTED_TLS, inbound: TRUSTED_TLS };
const HUB = { key: 'ec', domains: ['hub01.corp.test'] } as const;
const EDGE = { key: 'rsa', domains: ['edge01.perimeter.test', 'mail.contoso.test'] } as const;
const PFX = ['edge.pfx', '-PasswordFile', 'edge.password'];

/** Import and Enable, as a person types them. */
async function install({ servers }: Relaying, role: Role, thumbprint: string, ...file: string[]): Promise<void> {
  const [imported] = await servers.cmdlet(role, 'Import-ExchangeCertificate', '-FileName', ...file);
  expect(imported).toMatchObject({
    Thumbprint: thumbprint,
    HasPrivateKey: true,
    IsSelfSigned: false,
    Services: 'None',
  });
  await servers.cmdlet(role, 'Enable-ExchangeCertificate', thumbprint, '-Services', 'SMTP', '-Confirm:false');
  const [enabled] = await servers.cmdlet(role, 'Get-ExchangeCertificate', thumbprint);
  expect(enabled).toMatchObject({ Services: 'SMTP' });
}

describe("certificates of a company's own authority", { timeout: 360_000 }, () => {
  it('serve in the subscription that was made with self-signed ones: RSA from a PFX, ECDSA from PEM', async () => {
    await using relaying = await Relaying.start();
    const { servers } = relaying;
    const authority = new OwnAuthority(servers.folder);
    const [hub, edge] = [authority.issue('hub-own', HUB), authority.issue('edge', EDGE)];
    authority.pack('edge', 'correct horse battery');

    await install(relaying, 'edge', edge, ...PFX);
    await servers.subscribe();
    await install(relaying, 'hub', hub, 'hub-own.pem');
    await relaying.synchronize();
    expect(await relaying.exchangeLetters('signed by our own')).toMatchObject({
      outbound: { ...TRUSTED_TLS, tls: { localThumbprint: hub, peerThumbprint: edge } },
      inbound: { ...TRUSTED_TLS, tls: { localThumbprint: edge, peerThumbprint: hub } },
    });
    // Foreign servers, which know no subscription but the authority, trust it too: the chain is shown.
    expect(authority.verify(servers.ports.edge, 'mail.contoso.test')).toMatch(/Verification: OK/);
    expect(await relaying.reports()).toEqual([]);
  });

  it('survive that both servers are killed and started again', async () => {
    await using relaying = await Relaying.start();
    const { servers } = relaying;
    const edge = new OwnAuthority(servers.folder).issue('edge-own', EDGE);
    await install(relaying, 'edge', edge, 'edge-own.pem');
    await servers.subscribe();
    for (const role of ['hub', 'edge'] as const) {
      await servers.stop(role, 'SIGKILL');
      await servers.start(role);
    }
    expect(await relaying.exchangeLetters('after a restart')).toMatchObject({
      outbound: { ...TRUSTED_TLS, tls: { peerThumbprint: edge } },
      inbound: { ...TRUSTED_TLS, tls: { localThumbprint: edge } },
    });
  });

  it('are refused on the Hub when the Edge has it', async () => {
    await using relaying = await Relaying.start();
    const { servers } = relaying;
    const authority = new OwnAuthority(servers.folder);
    const edge = authority.issue('edge', EDGE);
    authority.pack('edge', 'correct horse battery');
    await install(relaying, 'edge', edge, ...PFX);
    await servers.subscribe();
    const ran = await servers.run('hub', 'Import-ExchangeCertificate', '-FileName', ...PFX);
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toMatch(
      new RegExp(`^relaypair: the certificate ${edge} is the one on record for EDGE01: [^\\n]+\\n$`),
    );
    const stored = await servers.cmdlet('hub', 'Get-ExchangeCertificate');
    expect(stored.map((certificate) => certificate['Thumbprint'])).not.toContain(edge);
    expect(await relaying.exchangeLetters('after the refusal')).toMatchObject(FLOWING);
  });

  it('are refused with the subscription of an Edge when the Hub has it already', async () => {
    await using relaying = await Relaying.start();
    const { servers } = relaying;
    const order = { key: 'rsa', domains: [...HUB.domains, ...EDGE.domains] } as const;
    const shared = new OwnAuthority(servers.folder).issue('shared', order);
    await install(relaying, 'edge', shared, 'shared.pem');
    await install(relaying, 'hub', shared, 'shared.pem');
    await servers.cmdlet('edge', 'New-EdgeSubscription', '-FileName', 'shared.xml');
    const site = ['-Site', 'Default-First-Site-Name'];
    const before = await servers.cmdlet('hub', 'Get-EdgeSubscription');
    const ran = await servers.run('hub', 'New-EdgeSubscription', '-FileName', 'shared.xml', ...site);
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toMatch(/^relaypair: EDGE01 and HUB01 have the same certificate [^\n]+\n$/);
    expect(await servers.cmdlet('hub', 'Get-EdgeSubscription')).toEqual(before);
  });
});
