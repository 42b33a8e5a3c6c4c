// OpenSSL's client, as somebody looking in from outside: STARTTLS and the certificate while it is in date, and no STARTTLS
// once it has expired.

import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noteInterop } from '../helpers/interop-report.ts';
import { Pair, type Ran } from '../helpers/pair.ts';
import { requirePeer } from '../helpers/peers.ts';
import { runProgram } from '../helpers/program.ts';

const ROLES = ['hub', 'edge'] as const;
type Role = (typeof ROLES)[number];

/** The conversation up to and including the handshake; the input's end is the client's QUIT. */
function look(pair: Pair, role: Role): Promise<Ran> {
  const port = role === 'hub' ? pair.hubPort : pair.edgePort;
  return runProgram('openssl', ['s_client', '-starttls', 'smtp', '-connect', `127.0.0.1:${port}`, '-name', 'me.test']);
}

function certificateIn(text: string): X509Certificate {
  const [pem] = /-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/.exec(text) ?? [];
  if (pem === undefined) throw new Error(`no certificate in: ${text}`);
  return new X509Certificate(pem);
}

describe.skipIf(!requirePeer('openssl'))('openssl s_client', () => {
  let folder: string;
  let pair: Pair;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'relaypair-'));
    pair = await upAt();
  });
  afterAll(async () => {
    await pair?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function upAt(clock?: string): Promise<Pair> {
    return Pair.up({ folder, smartHostPort: 9, deliver: 'maildir:mail', ...(clock !== undefined && { clock }) });
  }

  it.each(ROLES)('sees STARTTLS at the %s and the certificate of its store', async (role) => {
    const seen = await look(pair, role);
    expect(seen.code).toBe(0);
    const [stored] = await pair.cmdlet(role, 'Get-ExchangeCertificate');
    const { fingerprint256, subject, subjectAltName } = certificateIn(seen.stdout);
    expect(fingerprint256.replaceAll(':', '')).toBe(stored?.['Sha256']);
    const fqdn = role === 'hub' ? 'hub01.corp.test' : 'edge01.perimeter.test';
    expect(subject).toBe(`CN=${fqdn.split('.')[0]?.toUpperCase()}`);
    expect(subjectAltName).toContain(`DNS:${fqdn}`);
    expect(seen.stdout).toMatch(/^New, TLSv1\.3, Cipher is TLS_/m);
    noteInterop({
      peer: 'OpenSSL',
      as: 'client',
      what: `s_client at the ${role}`,
      result: 'STARTTLS and the certificate of the store',
    });
  });

  it.each(ROLES)('sees no STARTTLS at the %s 400 days later', async (role) => {
    if (pair.ready.clock === undefined) {
      await pair.stop();
      pair = await upAt('+400d');
    }
    const seen = await look(pair, role);
    expect(seen.code).not.toBe(0);
    expect(seen.stdout + seen.stderr).toMatch(/Didn't find STARTTLS in server response/i);
    expect(seen.stdout).not.toContain('BEGIN CERTIFICATE');
    const [stored] = await pair.cmdlet(role, 'Get-ExchangeCertificate');
    expect(stored?.['Status']).toBe('DateInvalid');
    noteInterop({
      peer: 'OpenSSL',
      as: 'client',
      what: `s_client at the ${role}, 400 days later`,
      result: 'no STARTTLS',
    });
  });
});
