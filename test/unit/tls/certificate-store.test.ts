import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tls from 'node:tls';
import { pino } from 'pino';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isProblem } from '../../../src/problem.ts';
import { parseCertificate } from '../../../src/tls/certificate.ts';
import { importIssuedCertificate } from '../../../src/tls/certificate-import.ts';
import { createCertificateRequest } from '../../../src/tls/certificate-request.ts';
import { CertificateStore } from '../../../src/tls/certificate-store.ts';
import type { KeyPair } from '../../../src/tls/key-pair.ts';
import { rootCaTypeOf } from '../../../src/tls/root-authority.ts';
import { clientTlsOptions, createServerContext } from '../../../src/tls/secure-context.ts';
import { createSelfSigned } from '../../../src/tls/self-signed.ts';
import { answerRequest, hasOpenssl, makeAuthority, makeIssued, makeWorkbench, type Workbench } from './openssl.ts';

const edgeName = { netbiosName: 'EDGE01', fqdn: 'edge01.contoso.com' };
const now = new Date('2027-06-01T00:00:00Z');
let first: KeyPair;
let second: KeyPair;

beforeAll(async () => {
  first = await createSelfSigned({ ...edgeName, notBefore: new Date('2027-01-01T00:00:00Z') });
  second = await createSelfSigned({ ...edgeName, notBefore: new Date('2027-02-01T00:00:00Z') });
});

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'relaypair-store-')), 'certificates');
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true }));

function codeOf(attempt: () => unknown): string {
  try {
    attempt();
    return 'done';
  } catch (error) {
    if (!isProblem(error)) throw error;
    return error.code;
  }
}

const question = { connectorFqdn: edgeName.fqdn, serverFqdn: edgeName.fqdn, now };
const entryPath = (pair: KeyPair): string => join(folder, `${pair.certificate.thumbprint}.json`);

describe('CertificateStore', () => {
  it('keeps a pair, its settings and the internal transport choice over a new opening', () => {
    const store = CertificateStore.open(folder);
    const { thumbprint } = first.certificate;
    expect(store.list()).toEqual([]);
    expect(store.internalTransport()).toBeUndefined();
    store.add(first, { exportable: true, friendlyName: 'Microsoft Exchange' });
    store.enable(thumbprint, 'SMTP');
    store.setInternalTransport(thumbprint);
    const again = CertificateStore.open(folder);
    expect(again.list()).toEqual([
      {
        certificate: first.certificate,
        chain: [],
        services: ['SMTP'],
        friendlyName: 'Microsoft Exchange',
        privateKeyExportable: true,
        hasPrivateKey: true,
        rootCaType: 'Registry',
        pendingRequest: false,
      },
    ]);
    expect(again.internalTransport()).toEqual(again.get(thumbprint));
    expect(again.keyPair(thumbprint)).toEqual(first);
    expect(again.exportPrivateKey(thumbprint)).toEqual(first);
  });

  it('lets nobody but the owner read, and mends a permission that was opened', () => {
    const lines: string[] = [];
    const log = pino({}, { write: (line: string) => void lines.push(line) });
    CertificateStore.open(folder).add(first);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    chmodSync(entryPath(first), 0o644);
    chmodSync(folder, 0o755);
    expect(CertificateStore.open(folder, { log }).list()).toHaveLength(1);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(entryPath(first)).mode & 0o777).toBe(0o600);
    expect(lines.join('')).toContain('could be read by others');
  });

  it('shows no key in what it lists', () => {
    const store = CertificateStore.open(folder);
    store.add(first);
    expect(JSON.stringify([store.list(), store.get(first.certificate.thumbprint)])).not.toContain('PRIVATE KEY');
  });

  it('finds a thumbprint however it is written', () => {
    const store = CertificateStore.open(folder);
    store.add(first);
    const { thumbprint } = first.certificate;
    const colons = thumbprint.match(/../g)?.join(':') ?? '';
    for (const spelling of [thumbprint.toLowerCase(), colons, colons.replaceAll(':', ' '), ` ${thumbprint}\n`]) {
      expect(store.get(spelling).certificate).toEqual(first.certificate);
      expect(store.has(spelling)).toBe(true);
    }
    expect(codeOf(() => store.get('AB'))).toBe('certificate-not-found');
    expect(codeOf(() => store.get('../store'))).toBe('certificate-not-found');
    expect(store.has('AB')).toBe(false);
  });

  it("refuses a certificate twice, and a key that is another's", () => {
    const store = CertificateStore.open(folder);
    store.add(first);
    expect(codeOf(() => store.add(first))).toBe('certificate-exists');
    expect(codeOf(() => store.add({ ...second, privateKeyPem: first.privateKeyPem }))).toBe('key-mismatch');
    expect(store.list()).toHaveLength(1);
  });

  it('lists the newest first', () => {
    const store = CertificateStore.open(folder);
    store.add(first);
    store.add(second);
    expect(store.list().map(({ certificate }) => certificate.thumbprint)).toEqual([
      second.certificate.thumbprint,
      first.certificate.thumbprint,
    ]);
  });

  it('gives the key for export only if it was made exportable', () => {
    const store = CertificateStore.open(folder);
    store.add(first);
    expect(codeOf(() => store.exportPrivateKey(first.certificate.thumbprint))).toBe('key-not-exportable');
    expect(store.keyPair(first.certificate.thumbprint)).toEqual(first);
  });

  it('removes a certificate, but not the internal transport certificate', () => {
    const store = CertificateStore.open(folder);
    for (const pair of [first, second]) {
      store.add(pair);
      store.enable(pair.certificate.thumbprint, 'SMTP');
    }
    store.setInternalTransport(first.certificate.thumbprint);
    expect(codeOf(() => store.remove(first.certificate.thumbprint))).toBe('certificate-in-use');
    store.setInternalTransport(second.certificate.thumbprint);
    store.remove(first.certificate.thumbprint);
    expect(existsSync(entryPath(first))).toBe(false);
    expect(codeOf(() => store.remove(first.certificate.thumbprint))).toBe('certificate-not-found');
    const again = CertificateStore.open(folder);
    expect(again.list()).toHaveLength(1);
    expect(again.internalTransport()?.certificate).toEqual(second.certificate);
  });

  it('publishes for direct trust only what serves SMTP', () => {
    const store = CertificateStore.open(folder);
    store.add(first);
    expect(codeOf(() => store.setInternalTransport(first.certificate.thumbprint))).toBe('certificate-not-enabled');
    expect(codeOf(() => store.setInternalTransport(second.certificate.thumbprint))).toBe('certificate-not-found');
    expect(store.internalTransport()).toBeUndefined();
  });

  it('tells of every change once it is on disk, until the listener is taken off', () => {
    const store = CertificateStore.open(folder);
    const seen: string[] = [];
    const cancel = store.onChange(() => {
      const again = CertificateStore.open(folder);
      seen.push(
        `${again.list().length} ${again.list()[0]?.services.join() ?? ''} ${again.internalTransport() ? 'published' : ''}`,
      );
    });
    const { thumbprint } = first.certificate;
    store.add(first);
    store.enable(thumbprint, 'SMTP');
    store.enable(thumbprint, 'SMTP');
    store.setInternalTransport(thumbprint);
    store.setInternalTransport(thumbprint);
    store.add(second);
    store.remove(second.certificate.thumbprint);
    expect(seen).toEqual(['1  ', '1 SMTP ', '1 SMTP published', '2  published', '1 SMTP published']);
    cancel();
    store.add(second);
    expect(seen).toHaveLength(5);
  });
});

describe('selectFor', () => {
  it('offers nothing that is not enabled for SMTP', () => {
    const store = CertificateStore.open(folder);
    store.add(first);
    expect(store.selectFor(question)).toBeUndefined();
    store.enable(first.certificate.thumbprint, 'SMTP');
    expect(store.selectFor(question)?.certificate).toEqual(first.certificate);
  });

  it('stays with the published certificate until another one is published', () => {
    const store = CertificateStore.open(folder);
    for (const pair of [first, second]) {
      store.add(pair);
      store.enable(pair.certificate.thumbprint, 'SMTP');
    }
    expect(store.selectFor(question)?.certificate).toEqual(second.certificate);
    store.setInternalTransport(first.certificate.thumbprint);
    expect(store.selectFor(question)?.certificate).toEqual(first.certificate);
    expect(store.selectFor({ ...question, servername: 'EDGE01' })?.certificate).toEqual(first.certificate);
    expect(store.selectFor({ ...question, connectorFqdn: 'mail.contoso.com' })).toBeUndefined();
  });

  it('serves a renewed certificate at the next handshake', async () => {
    const store = CertificateStore.open(folder);
    const enable = (pair: KeyPair): void => {
      store.add(pair);
      store.enable(pair.certificate.thumbprint, 'SMTP');
    };
    const contexts = new Map<string, tls.SecureContext>();
    const server = tls.createServer({
      SNICallback: (servername, done) => {
        const thumbprint = store.selectFor({ ...question, servername })?.certificate.thumbprint ?? '';
        const context = contexts.get(thumbprint) ?? createServerContext(store.keyPair(thumbprint));
        contexts.set(thumbprint, context);
        done(null, context);
      },
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const shown = async (): Promise<string> => {
      const socket = tls.connect({ host: '127.0.0.1', port, ...clientTlsOptions({ servername: edgeName.fqdn }) });
      await once(socket, 'secureConnect');
      const { raw } = socket.getPeerX509Certificate() ?? { raw: Buffer.alloc(0) };
      socket.destroy();
      return parseCertificate(raw).thumbprint;
    };
    try {
      enable(first);
      expect(await shown()).toBe(first.certificate.thumbprint);
      enable(second);
      expect(await shown()).toBe(second.certificate.thumbprint);
    } finally {
      server.close();
    }
  });
});

describe('opening a folder that is not as it was left', () => {
  it('refuses a newer format in one sentence and touches nothing', () => {
    CertificateStore.open(folder).add(first);
    writeFileSync(join(folder, 'store.json'), '{"format":2,"anything":[]}');
    writeFileSync(join(folder, '.left.json.abc.tmp'), 'x');
    const before = readdirSync(folder);
    expect(() => CertificateStore.open(folder)).toThrow(
      /has format 2, this relaypair knows up to 1: start the newer relaypair/,
    );
    expect(codeOf(() => CertificateStore.open(folder))).toBe('format-too-new');
    expect(readdirSync(folder)).toEqual(before);
  });

  it.each(['', '{', '{"format":"1"}', '[]', 'null'])('refuses damaged settings: %j', (text) => {
    CertificateStore.open(folder);
    writeFileSync(join(folder, 'store.json'), text);
    expect(codeOf(() => CertificateStore.open(folder))).toBe('store-unreadable');
  });

  it('clears away what a crash left half-written, and goes on', () => {
    CertificateStore.open(folder).add(first);
    const name = `.${second.certificate.thumbprint}.json.0123456789ab.tmp`;
    writeFileSync(join(folder, name), '{"certificate":"-----BEG');
    const store = CertificateStore.open(folder);
    expect(store.list()).toHaveLength(1);
    expect(readdirSync(folder)).not.toContain(name);
    expect(store.add(second).certificate).toEqual(second.certificate);
  });

  const damages: [string, (text: string) => string][] = [
    ['empty', () => ''],
    ['cut off', (text) => text.slice(0, 1000)],
    ['of another form', () => '{"certificate":1}'],
    ['without its certificate', (text) => text.replace('BEGIN CERTIFICATE', 'BEGIN NOTHING')],
    ['with a broken key', (text) => text.replace('PRIVATE KEY-----\\nMII', 'PRIVATE KEY-----\\nAAA')],
    [
      'with the key of another',
      () => JSON.stringify({ ...JSON.parse(readFileSync(entryPath(first), 'utf8')), privateKey: second.privateKeyPem }),
    ],
  ];
  it.each(damages)('sets aside an entry that is %s, reports it without the key, and goes on', (_, damage) => {
    const lines: string[] = [];
    const log = pino({}, { write: (line: string) => void lines.push(line) });
    const store = CertificateStore.open(folder);
    for (const pair of [first, second]) {
      store.add(pair);
      store.enable(pair.certificate.thumbprint, 'SMTP');
    }
    store.setInternalTransport(first.certificate.thumbprint);
    writeFileSync(entryPath(first), damage(readFileSync(entryPath(first), 'utf8')));
    const again = CertificateStore.open(folder, { log });
    expect(again.list().map(({ certificate }) => certificate)).toEqual([second.certificate]);
    expect(again.internalTransport()).toBeUndefined();
    expect(readdirSync(folder).filter((name) => name.includes('.damaged-'))).toHaveLength(1);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(first.certificate.thumbprint);
    expect(lines[0]).not.toMatch(/PRIVATE|BEGIN|MII/);
    expect(CertificateStore.open(folder, { log }).list()).toHaveLength(1);
    expect(lines).toHaveLength(1);
    again.add(first);
  });

  it('sets aside an entry under the name of another certificate', () => {
    CertificateStore.open(folder).add(first);
    renameSync(entryPath(first), entryPath(second));
    expect(CertificateStore.open(folder).list()).toEqual([]);
  });
});

describe('a pending request', () => {
  const domains = ['mail.contoso.com', 'autodiscover.contoso.com'];

  it('stands in the store with a placeholder, which serves for nothing', async () => {
    const store = CertificateStore.open(folder);
    const request = await createCertificateRequest({ domains, notBefore: now });
    const { certificate } = store.addRequest(request, { friendlyName: 'bought' });
    const again = CertificateStore.open(folder);
    expect(again.list()).toMatchObject([
      { pendingRequest: true, friendlyName: 'bought', services: [], rootCaType: 'Unknown' },
    ]);
    expect(again.requestPem(certificate.thumbprint)).toBe(request.requestPem);
    for (const attempt of [
      () => again.enable(certificate.thumbprint, 'SMTP'),
      () => again.setInternalTransport(certificate.thumbprint),
      () => again.keyPair(certificate.thumbprint),
      () => again.exportPrivateKey(certificate.thumbprint),
    ]) {
      expect(codeOf(attempt)).toBe('certificate-pending');
    }
    again.remove(certificate.thumbprint);
    expect(again.list()).toEqual([]);
  });

  describe.skipIf(!hasOpenssl)('answered by an authority made with openssl', () => {
    let bench: Workbench;
    beforeEach(() => {
      bench = makeWorkbench();
      makeAuthority(bench);
    });
    afterEach(() => bench.remove());

    it('is completed by the certificate for its key, keeping name and exportability', async () => {
      const store = CertificateStore.open(folder);
      const request = await createCertificateRequest({ domains, notBefore: now });
      store.addRequest(request, { exportable: true, friendlyName: 'bought' });
      store.addRequest(await createCertificateRequest({ domains, notBefore: now }));
      writeFileSync(bench.path('answer.csr'), request.requestPem);
      answerRequest(bench, 'answer', 'issuing');
      const answer = ['answer.pem', 'root.pem', 'issuing.pem'].map((name) => bench.read(name));
      const completed = store.completeRequest(importIssuedCertificate(Buffer.concat(answer)));
      expect(completed).toMatchObject({
        pendingRequest: false,
        friendlyName: 'bought',
        privateKeyExportable: true,
        rootCaType: 'Enterprise',
        certificate: { issuer: 'CN=issuing', domains },
      });
      const again = CertificateStore.open(folder);
      expect(again.list().filter(({ pendingRequest }) => pendingRequest)).toHaveLength(1);
      expect(again.list()).toHaveLength(2);
      expect(again.keyPair(completed.certificate.thumbprint).privateKeyPem).toBe(request.privateKeyPem);
      expect(again.requestPem(completed.certificate.thumbprint)).toBeUndefined();
      expect(codeOf(() => again.completeRequest(completed))).toBe('certificate-exists');
    });

    it("is gone after a crash between the answer's arrival and its own removal", async () => {
      const store = CertificateStore.open(folder);
      const request = await createCertificateRequest({ domains, notBefore: now });
      const { certificate } = store.addRequest(request);
      const path = join(folder, `${certificate.thumbprint}.json`);
      const kept = readFileSync(path);
      writeFileSync(bench.path('answer.csr'), request.requestPem);
      answerRequest(bench, 'answer', 'issuing');
      store.completeRequest(importIssuedCertificate(bench.read('answer.pem')));
      expect(existsSync(path)).toBe(false);
      writeFileSync(path, kept, { mode: 0o600 });
      expect(CertificateStore.open(folder).list()).toMatchObject([{ pendingRequest: false }]);
      expect(existsSync(path)).toBe(false);
    });

    it('is not completed by a certificate for another key', async () => {
      const store = CertificateStore.open(folder);
      store.addRequest(await createCertificateRequest({ domains, notBefore: now }));
      makeIssued(bench, 'other', 'rsa');
      expect(codeOf(() => store.completeRequest(importIssuedCertificate(bench.read('other.pem'))))).toBe('key-missing');
      expect(store.list()).toMatchObject([{ pendingRequest: true }]);
    });

    it('has the top of its chain told apart', () => {
      makeIssued(bench, 'leaf', 'p-256');
      const [leaf, issuing, root] = ['leaf', 'issuing', 'root'].map((name) =>
        parseCertificate(bench.read(`${name}.pem`)),
      );
      const publicRoot = parseCertificate(tls.rootCertificates[0] ?? '');
      if (!leaf || !issuing || !root) throw new Error('a certificate is missing');
      expect(rootCaTypeOf(root, [])).toBe('Registry');
      expect(rootCaTypeOf(leaf, [issuing, root])).toBe('Enterprise');
      expect(rootCaTypeOf(leaf, [issuing])).toBe('Unknown');
      expect(rootCaTypeOf(leaf, [])).toBe('Unknown');
      expect(rootCaTypeOf(leaf, [issuing, publicRoot])).toBe('ThirdParty');
    });
  });
});
