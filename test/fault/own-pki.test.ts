// Fault, or none: certificates that do not come from relaypair. A company's own authority signs, the Edge has RSA in a PFX, the
// Hub ECDSA in PEM; direct trust asks no authority, so that they serve in the same subscription. One on two servers does not.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Relaying, TRUSTED_TLS } from '../helpers/relaying.ts';
import type { Role } from '../helpers/servers.ts';

const FLOWING = { outbound: TRUSTED_TLS, inbound: TRUSTED_TLS };
const PFX_PASSWORD = 'correct horse battery';

/** Root, intermediate and a leaf for each server, in a folder of the test. */
class OwnAuthority {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    const extensions = {
      ca: 'basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign,cRLSign\n',
      hub: 'subjectAltName=DNS:hub01.corp.test\nextendedKeyUsage=serverAuth,clientAuth\n',
      edge: 'subjectAltName=DNS:edge01.perimeter.test,DNS:mail.contoso.test\nextendedKeyUsage=serverAuth,clientAuth\n',
    };
    for (const [name, text] of Object.entries(extensions)) writeFileSync(join(folder, `${name}.ext`), text);
    writeFileSync(join(folder, 'password.txt'), `${PFX_PASSWORD}\n`);
    this.#run(
      'req',
      '-x509',
      ...newKey('rsa:2048', 'root'),
      '-subj',
      '/CN=Contoso Root',
      '-days',
      '3650',
      '-out',
      'root.pem',
    );
    this.#sign('intermediate', { by: 'root', key: 'rsa:2048', subject: '/CN=Contoso Issuing', extensions: 'ca' });
    this.#sign('edge', {
      by: 'intermediate',
      key: 'rsa:3072',
      subject: '/O=Contoso/CN=edge01.perimeter.test',
      extensions: 'edge',
    });
    this.#sign('hub', { by: 'intermediate', key: 'ec', subject: '/O=Contoso/CN=hub01.corp.test', extensions: 'hub' });
    const chain = ['-certfile', 'intermediate.pem', '-passout', `pass:${PFX_PASSWORD}`];
    this.#run('pkcs12', '-export', '-inkey', 'edge.key', '-in', 'edge.pem', ...chain, '-out', 'edge.pfx');
    writeFileSync(
      join(folder, 'hub-all.pem'),
      ['hub.pem', 'intermediate.pem', 'hub.key'].map((name) => this.#read(name)).join(''),
    );
    writeFileSync(
      join(folder, 'edge-all.pem'),
      ['edge.key', 'edge.pem', 'intermediate.pem'].map((name) => this.#read(name)).join(''),
    );
  }

  /** SHA-1 as Exchange shows it. */
  thumbprint(name: string): string {
    return this.#run('x509', '-in', `${name}.pem`, '-noout', '-fingerprint', '-sha1').replaceAll(/^.*=|[:\s]/g, '');
  }

  /** What a client that knows the root thinks of the server at a port. */
  verify(port: number): string {
    return this.#run(
      's_client',
      ...['-connect', `127.0.0.1:${port}`, '-starttls', 'smtp', '-CAfile', 'root.pem'],
      ...['-verify_return_error', '-verify_hostname', 'mail.contoso.test', '-brief'],
    );
  }

  #read(name: string): string {
    return execFileSync('cat', [name], { cwd: this.#folder, encoding: 'utf8' });
  }

  #sign(
    name: string,
    { by, key, subject, extensions }: { by: string; key: string; subject: string; extensions: string },
  ): void {
    this.#run('req', ...newKey(key, name), '-subj', subject, '-out', `${name}.csr`);
    const issuer = ['-CA', `${by}.pem`, '-CAkey', `${by}.key`, '-CAcreateserial', '-days', '400'];
    this.#run('x509', '-req', '-in', `${name}.csr`, ...issuer, '-extfile', `${extensions}.ext`, '-out', `${name}.pem`);
  }

  #run(...parameters: string[]): string {
    // s_client writes what it finds to both, and quits at the end of its input.
    const command = 'openssl "$@" 2>&1 < /dev/null';
    return execFileSync('sh', ['-c', command, 'openssl', ...parameters], { cwd: this.#folder, encoding: 'utf8' });
  }
}

function newKey(kind: string, name: string): string[] {
  const key = kind === 'ec' ? ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'] : ['-newkey', kind];
  return [...key, '-nodes', '-keyout', `${name}.key`];
}

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
  expect(await servers.cmdlet(role, 'Get-ExchangeCertificate', thumbprint)).toMatchObject([{ Services: 'SMTP' }]);
}

describe("certificates of a company's own authority", { timeout: 60_000 }, () => {
  it('serve in the subscription that was made with self-signed ones: RSA from a PFX, ECDSA from PEM', async () => {
    await using relaying = await Relaying.start();
    const { servers } = relaying;
    const authority = new OwnAuthority(servers.folder);
    const [hub, edge] = [authority.thumbprint('hub'), authority.thumbprint('edge')];

    await install(relaying, 'edge', edge, 'edge.pfx', '-PasswordFile', 'password.txt');
    await servers.subscribe();
    await install(relaying, 'hub', hub, 'hub-all.pem');
    await relaying.synchronize();

    expect(await relaying.exchangeLetters('signed by our own')).toMatchObject({
      outbound: { ...TRUSTED_TLS, tls: { localThumbprint: hub, peerThumbprint: edge } },
      inbound: { ...TRUSTED_TLS, tls: { localThumbprint: edge, peerThumbprint: hub } },
    });
    expect(authority.verify(servers.ports.edge)).toMatch(/Verification: OK/);
    expect(await relaying.reports()).toEqual([]);
  });

  it('survive a restart of both', async () => {
    await using relaying = await Relaying.start();
    const { servers } = relaying;
    const authority = new OwnAuthority(servers.folder);
    await install(relaying, 'edge', authority.thumbprint('edge'), 'edge-all.pem');
    await servers.subscribe();
    for (const role of ['hub', 'edge'] as const) {
      await servers.stop(role, 'SIGKILL');
      await servers.start(role);
    }
    expect(await relaying.exchangeLetters('after a restart')).toMatchObject(FLOWING);
  });

  it('are refused on a second server', async () => {
    await using relaying = await Relaying.start();
    const { servers } = relaying;
    const authority = new OwnAuthority(servers.folder);
    const edge = authority.thumbprint('edge');
    await install(relaying, 'edge', edge, 'edge.pfx', '-PasswordFile', 'password.txt');
    await servers.subscribe();
    const ran = await servers.run(
      'hub',
      'Import-ExchangeCertificate',
      '-FileName',
      'edge.pfx',
      '-PasswordFile',
      'password.txt',
    );
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toMatch(
      new RegExp(`^relaypair: the certificate ${edge} is the one on record for EDGE01: [^\\n]+\\n$`),
    );
    const stored = await servers.cmdlet('hub', 'Get-ExchangeCertificate');
    expect(stored.map((certificate) => certificate['Thumbprint'])).not.toContain(edge);
    expect(await relaying.exchangeLetters('after the refusal')).toMatchObject(FLOWING);
  });

  it('are refused by EdgeSync when the Hub had it first', async () => {
    await using relaying = await Relaying.start();
    const { servers } = relaying;
    const authority = new OwnAuthority(servers.folder);
    const edge = authority.thumbprint('edge');
    await install(relaying, 'edge', edge, 'edge.pfx', '-PasswordFile', 'password.txt');
    await servers.cmdlet('hub', 'Import-ExchangeCertificate', '-FileName', 'edge.pfx', '-PasswordFile', 'password.txt');
    await servers.cmdlet('hub', 'Enable-ExchangeCertificate', edge, '-Services', 'SMTP', '-Confirm:false');
    await servers.cmdlet('edge', 'New-EdgeSubscription', '-FileName', 'shared.xml');
    const site = ['-Site', 'Default-First-Site-Name'];
    const ran = await servers.run('hub', 'New-EdgeSubscription', '-FileName', 'shared.xml', ...site);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/^relaypair: [^\n]*same certificate[^\n]*\n$/);
  });
});
