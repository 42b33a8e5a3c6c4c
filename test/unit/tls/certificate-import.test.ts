import { X509Certificate } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isProblem } from '../../../src/problem.ts';
import { parseCertificate } from '../../../src/tls/certificate.ts';
import { exportCertificate, exportPfx } from '../../../src/tls/certificate-export.ts';
import { holdsCertificatesOnly, importIssuedCertificate, importPair } from '../../../src/tls/certificate-import.ts';
import { createSelfSigned } from '../../../src/tls/self-signed.ts';
import {
  hasOpenssl,
  makeAuthority,
  makeIssued,
  makeKey,
  makeSelfSigned,
  makeWorkbench,
  type Workbench,
} from './openssl.ts';

const PASSWORD = 'pässwörd';

function codeOf(attempt: () => unknown): string {
  try {
    attempt();
    return 'accepted';
  } catch (error) {
    if (!isProblem(error)) throw error;
    expect(error.message).not.toContain('\n');
    return error.code;
  }
}

describe.skipIf(!hasOpenssl)('importPair on files made by openssl', () => {
  let bench: Workbench;
  const file = (name: string): Buffer => bench.read(name);

  beforeAll(() => {
    bench = makeWorkbench();
    makeAuthority(bench);
    makeIssued(bench, 'rsa', 'rsa');
    makeIssued(bench, 'ec', 'p-384');
    writeFileSync(bench.path('heap.pem'), Buffer.concat([file('root.pem'), file('issuing.pem')]));
  });
  afterAll(() => bench.remove());

  const makePfx = (kind: string, password: string, ...options: string[]): Buffer => {
    const input = ['-inkey', `${kind}.key`, '-in', `${kind}.pem`];
    bench.run('pkcs12', '-export', ...input, ...options, '-passout', `pass:${password}`, '-out', 'made.pfx');
    return file('made.pfx');
  };

  describe.each(['rsa', 'ec'])('with a key of the kind %s', (kind) => {
    const expectWhole = (pair: ReturnType<typeof importPair>): void => {
      expect(pair.certificate.der.equals(new X509Certificate(file(`${kind}.pem`)).raw)).toBe(true);
      expect(pair.certificate.subject).toBe(`CN=${kind}`);
      expect(pair.privateKeyPem).toMatch(/^-----BEGIN PRIVATE KEY-----/);
    };

    it.each([
      ['today by default', []],
      ['in the old way', ['-legacy']],
      ['with AES-128 and SHA-1', ['-keypbe', 'AES-128-CBC', '-certpbe', 'AES-128-CBC', '-macalg', 'sha1']],
      ['with AES-192 and SHA-512', ['-keypbe', 'AES-192-CBC', '-certpbe', 'AES-192-CBC', '-macalg', 'sha512']],
      ['with plain Triple DES', ['-keypbe', 'des-ede3-cbc', '-certpbe', 'des-ede3-cbc', '-macalg', 'sha384']],
      ['without a MAC', ['-nomac']],
    ])('reads a PFX written %s, refuses a wrong password and a missing one', (_, options) => {
      const pfx = makePfx(kind, PASSWORD, '-certfile', 'heap.pem', ...options);
      const pair = importPair(pfx, PASSWORD);
      expectWhole(pair);
      expect(pair.chain.map(({ subject }) => subject)).toEqual(['CN=issuing', 'CN=root']);
      expect(codeOf(() => importPair(pfx, 'wrong'))).toBe('pfx-password-wrong');
      expect(codeOf(() => importPair(pfx))).toBe('pfx-password-wrong');
    });

    it.each([
      ['with an empty password', []],
      ['with an empty password in the old way', ['-legacy']],
      ['without encryption', ['-keypbe', 'NONE', '-certpbe', 'NONE']],
      ['without encryption and without a MAC', ['-keypbe', 'NONE', '-certpbe', 'NONE', '-nomac']],
    ])('reads a PFX written %s', (_, options) => {
      expectWhole(importPair(makePfx(kind, '', ...options)));
    });

    it('reads PEM with key and chain in any order', () => {
      const heap = Buffer.concat([file('heap.pem'), file(`${kind}.key`), file(`${kind}.pem`)]);
      const pair = importPair(heap);
      expectWhole(pair);
      expect(pair.chain.map(({ subject }) => subject)).toEqual(['CN=issuing', 'CN=root']);
    });

    it('reads PEM with the remarks that openssl pkcs12 leaves in it', () => {
      makePfx(kind, PASSWORD, '-certfile', 'heap.pem', '-name', 'my mail');
      bench.run('pkcs12', '-in', 'made.pfx', '-passin', `pass:${PASSWORD}`, '-nodes', '-out', 'remarks.pem');
      expect(file('remarks.pem').toString()).toContain('Bag Attributes');
      expectWhole(importPair(file('remarks.pem')));
    });

    it.each([
      ['PKCS#8', ['pkcs8', '-topk8', '-v2', 'aes256']],
      ['the older form with headers', kind === 'rsa' ? ['rsa', '-traditional', '-aes256'] : ['ec', '-aes256']],
    ])('reads PEM with an encrypted key in %s', (_, command) => {
      bench.run(...command, '-in', `${kind}.key`, '-passout', 'pass:secret', '-out', 'encrypted.key');
      expect(file('encrypted.key').toString()).toContain('ENCRYPTED');
      const pem = Buffer.concat([file(`${kind}.pem`), file('encrypted.key')]);
      expectWhole(importPair(pem, 'secret'));
      expect(codeOf(() => importPair(pem, 'wrong'))).toBe('pfx-password-wrong');
      expect(codeOf(() => importPair(pem))).toBe('pfx-password-wrong');
    });

    it('writes a PFX that openssl opens, with AES-256, friendly name and chain', () => {
      const pair = importPair(Buffer.concat([file(`${kind}.key`), file(`${kind}.pem`), file('heap.pem')]));
      writeFileSync(bench.path('out.pfx'), exportPfx(pair, PASSWORD, { friendlyName: 'Microsoft Exchange' }));
      const opened = ['pkcs12', '-in', 'out.pfx', '-passin', `pass:${PASSWORD}`, '-nodes'];
      const text = bench.run(...opened, '-out', 'out.pem') + file('out.pem').toString();
      expect(text.match(/BEGIN CERTIFICATE/g)).toHaveLength(3);
      expect(text).toContain('friendlyName: Microsoft Exchange');
      bench.run(...opened, '-nocerts', '-out', 'out.key');
      expect(bench.run('pkey', '-in', 'out.key', '-pubout')).toBe(bench.run('pkey', '-in', `${kind}.key`, '-pubout'));
      const info = spawnSync('openssl', [...opened, '-info', '-noout'], { cwd: bench.folder }).stderr.toString();
      expect(info).toMatch(/MAC: sha256/);
      expect(info).toMatch(/Shrouded Keybag: PBES2, PBKDF2, AES-256-CBC, Iteration \d+, PRF hmacWithSHA256/);
      expect(() => bench.run('pkcs12', '-in', 'out.pfx', '-passin', 'pass:wrong', '-nodes')).toThrow(
        /invalid password/,
      );
    });

    it('gets back from its own PFX exactly what it put in', () => {
      const pair = importPair(Buffer.concat([file(`${kind}.key`), file(`${kind}.pem`), file('heap.pem')]));
      expect(importPair(exportPfx(pair, PASSWORD), PASSWORD)).toEqual(pair);
    });
  });

  it.each(['p-256', 'p-521'])('accepts a key on %s', (kind) => {
    makeSelfSigned(bench, kind, kind);
    const pair = importPair(Buffer.concat([file(`${kind}.pem`), file(`${kind}.key`)]));
    expect(pair.certificate.keyType).toBe('ec');
    expect(pair.chain).toEqual([]);
  });

  it.each(['rsa-1024', 'secp256k1', 'ed25519'])('refuses a key of the kind %s', (kind) => {
    makeSelfSigned(bench, kind, kind);
    expect(codeOf(() => importPair(Buffer.concat([file(`${kind}.pem`), file(`${kind}.key`)])))).toBe('key-unsupported');
    bench.run(
      'pkcs12',
      '-export',
      '-inkey',
      `${kind}.key`,
      '-in',
      `${kind}.pem`,
      '-passout',
      'pass:x',
      '-out',
      'odd.pfx',
    );
    expect(codeOf(() => importPair(file('odd.pfx'), 'x'))).toBe('key-unsupported');
  });

  it('refuses a file without a key, a file without a certificate and a key of somebody else', () => {
    bench.run('pkcs12', '-export', '-nokeys', '-in', 'rsa.pem', '-passout', 'pass:x', '-out', 'nokey.pfx');
    makeKey(bench, 'other', 'rsa');
    expect(codeOf(() => importPair(file('nokey.pfx'), 'x'))).toBe('key-missing');
    expect(codeOf(() => importPair(file('rsa.pem')))).toBe('key-missing');
    expect(codeOf(() => importPair(parseCertificate(file('rsa.pem')).der))).toBe('key-missing');
    expect(codeOf(() => importPair(file('rsa.key')))).toBe('certificate-unreadable');
    expect(codeOf(() => importPair(Buffer.concat([file('rsa.pem'), file('other.key')])))).toBe('key-mismatch');
    expect(codeOf(() => importPair(Buffer.concat([file('rsa.pem'), file('ec.key')])))).toBe('key-mismatch');
  });

  it('refuses a damaged PFX, one cut off and one with junk behind it', () => {
    const pfx = makePfx('rsa', 'x');
    const damaged = Buffer.from(pfx);
    damaged[200] = (damaged[200] ?? 0) ^ 1;
    expect(codeOf(() => importPair(damaged, 'x'))).toMatch(/^pfx-(password-wrong|unreadable)$/);
    expect(codeOf(() => importPair(pfx.subarray(0, -1), 'x'))).toBe('pfx-unreadable');
    expect(codeOf(() => importPair(Buffer.concat([pfx, Buffer.from('x')]), 'x'))).toBe('pfx-unreadable');
  });

  it('reads a PFX whose outer length is left open, as BER allows', () => {
    const pfx = makePfx('rsa', 'x');
    const open = Buffer.concat([Buffer.from('3080', 'hex'), pfx.subarray(4), Buffer.from('0000', 'hex')]);
    expect(importPair(open, 'x')).toEqual(importPair(pfx, 'x'));
  });

  it('refuses a PFX that asks for endless work, before doing it', () => {
    const plain = ['-keypbe', 'NONE', '-certpbe', 'NONE'];
    expect(codeOf(() => importPair(makePfx('rsa', 'x', ...plain, '-iter', '1000001'), 'x'))).toBe('pfx-unreadable');
    expect(codeOf(() => importPair(makePfx('rsa', 'x', '-nomac', '-iter', '1000001'), 'x'))).toBe('pfx-unreadable');
    const legacy = ['-legacy', '-nomac', '-iter', '1000001'];
    expect(codeOf(() => importPair(makePfx('rsa', 'x', ...legacy), 'x'))).toBe('pfx-unreadable');
  });

  it("takes an authority's answer without a key, and knows such a file", () => {
    const answer = Buffer.concat([file('heap.pem'), file('rsa.pem')]);
    const { certificate, chain } = importIssuedCertificate(answer);
    expect(certificate.subject).toBe('CN=rsa');
    expect(chain.map(({ subject }) => subject)).toEqual(['CN=issuing', 'CN=root']);
    expect(importIssuedCertificate(certificate.der)).toEqual({ certificate, chain: [] });
    expect(holdsCertificatesOnly(answer)).toBe(true);
    expect(holdsCertificatesOnly(certificate.der)).toBe(true);
    expect(holdsCertificatesOnly(Buffer.concat([answer, file('rsa.key')]))).toBe(false);
    expect(holdsCertificatesOnly(makePfx('rsa', 'x'))).toBe(false);
  });

  it('leaves a certificate out of the chain that does not lead to the root', () => {
    makeSelfSigned(bench, 'stranger', 'p-256');
    const heap = Buffer.concat([file('stranger.pem'), file('rsa.pem'), file('rsa.key'), file('issuing.pem')]);
    expect(importPair(heap).chain.map(({ subject }) => subject)).toEqual(['CN=issuing']);
  });
});

describe('importPair', () => {
  it.each([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('hello')],
    ['a long nesting', Buffer.alloc(20_000, '3080', 'hex')],
    ['two megabytes', Buffer.alloc(2 ** 21)],
  ])('refuses %s', (_, file) => {
    expect(codeOf(() => importPair(file))).toBe('pfx-unreadable');
  });

  it('refuses more PEM certificates than a file may hold', async () => {
    const { certificate } = await createSelfSigned({ netbiosName: 'A', fqdn: 'a.example', notBefore: new Date() });
    expect(codeOf(() => importPair(Buffer.from(certificate.pem.repeat(33))))).toBe('certificate-unreadable');
  });
});

describe('exportCertificate', () => {
  it('gives the public certificate and nothing of the key', async () => {
    const pair = await createSelfSigned({ netbiosName: 'A', fqdn: 'a.example', notBefore: new Date() });
    expect(parseCertificate(exportCertificate(pair.certificate, 'der'))).toEqual(pair.certificate);
    expect(parseCertificate(exportCertificate(pair.certificate, 'pem'))).toEqual(pair.certificate);
  });

  it('refuses a PFX without a password', async () => {
    const pair = await createSelfSigned({ netbiosName: 'A', fqdn: 'a.example', notBefore: new Date() });
    expect(codeOf(() => exportPfx(pair, ''))).toBe('password-required');
  });
});
