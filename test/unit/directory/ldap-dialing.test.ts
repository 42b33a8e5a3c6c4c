import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { SystemClock } from '../../../src/clock.ts';
import type { Endpoint } from '../../../src/config.ts';
import type { LdapDirectoryConfig } from '../../../src/config-directory.ts';
import { dialDirectory, type LdapDialingOptions } from '../../../src/directory/ldap-dialing.ts';
import type { LdapClient } from '../../../src/ldap/client.ts';
import { LdapListener } from '../../../src/ldap/server.ts';
import { silentLog } from '../../../src/log.ts';
import type { Certificate } from '../../../src/tls/certificate.ts';
import type { KeyPair } from '../../../src/tls/key-pair.ts';
import { createSelfSigned } from '../../../src/tls/self-signed.ts';
import { ADMIN, MemoryLdapHandler, PASSWORD } from '../../helpers/memory-ldap-handler.ts';

const YEAR_MS = 365 * 86_400_000;

let serverPair: KeyPair;
let otherPair: KeyPair;
let folder: string;
let handler: MemoryLdapHandler;
let listener: LdapListener;
let shown: KeyPair;
let url: Endpoint;
const clients: LdapClient[] = [];

beforeAll(async () => {
  const notBefore = new Date(Date.now() - 60_000);
  serverPair = await createSelfSigned({ netbiosName: 'DC01', fqdn: 'dc01.corp.test', notBefore });
  otherPair = await createSelfSigned({ netbiosName: 'HUB01', fqdn: 'hub01.corp.test', notBefore });
  folder = mkdtempSync(join(tmpdir(), 'relaypair-dialing-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeEach(async () => {
  shown = serverPair;
  handler = new MemoryLdapHandler();
  const security = { kind: 'tls', keyPair: () => shown } as const;
  listener = await LdapListener.open({ host: '127.0.0.1', port: 0, security, handler, log: silentLog() });
  url = { host: '127.0.0.1', port: listener.address.port };
  write('dc01.crt', serverPair.certificate.pem);
  write('password', `${PASSWORD}\n`, 0o600);
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await listener.close();
});

function write(name: string, text: string, mode = 0o644): string {
  writeFileSync(join(folder, name), text);
  chmodSync(join(folder, name), mode);
  return join(folder, name);
}

async function dial(
  config: Partial<LdapDirectoryConfig> = {},
  more: Partial<LdapDialingOptions> = {},
): Promise<LdapClient> {
  const connect = dialDirectory({
    config: {
      backend: 'ldap',
      urls: [url],
      certificate: join(folder, 'dc01.crt'),
      bind: { method: 'simple', user: ADMIN, passwordFile: join(folder, 'password') },
      namingContext: undefined,
      refreshInterval: 1000,
      announce: { port: 636, certificate: '' },
      ...config,
    },
    url,
    clock: new SystemClock(),
    ownKeyPair: () => otherPair,
    ...more,
  });
  const client = await connect();
  clients.push(client);
  return client;
}

it('binds by name and password to the server whose certificate is on record', async () => {
  const client = await dial();
  expect(await client.whoAmI()).toBe(`dn:${ADMIN}`);
});

it('sends nothing to a server with another certificate', async () => {
  shown = otherPair;
  await expect(dial()).rejects.toMatchObject({
    code: 'directory-not-trusted',
    message: expect.stringContaining(otherPair.certificate.thumbprint),
  });
  expect(handler.binds).toEqual([]);
});

it('takes the next certificate of the server once the file holds it, without a restart', async () => {
  shown = otherPair;
  url = { host: '127.0.0.1', port: listener.address.port };
  write('dc01.crt', serverPair.certificate.pem + otherPair.certificate.pem);
  expect((await dial()).isOpen).toBe(true);
  shown = serverPair;
  expect((await dial()).isOpen).toBe(true);
});

it('goes on with the right certificate out of its dates, and tells it', async () => {
  const told: Certificate[] = [];
  await dial({}, { clock: new SystemClock(3 * YEAR_MS), onOutOfDates: (certificate) => void told.push(certificate) });
  await dial({}, { onOutOfDates: (certificate) => void told.push(certificate) });
  expect(told.map(({ thumbprint }) => thumbprint)).toEqual([serverPair.certificate.thumbprint]);
});

it("binds by SASL EXTERNAL with the server's own certificate, or with the pair that the config names", async () => {
  await dial({ bind: { method: 'external', pair: undefined } });
  const certificate = write('own.crt', serverPair.certificate.pem);
  const key = write('own.key', serverPair.privateKeyPem, 0o600);
  await dial({ bind: { method: 'external', pair: { certificate, key } } });
  expect(handler.binds).toEqual([{ kind: 'external' }, { kind: 'external' }]);
});

it('reaches a name at the address of the hosts table', async () => {
  const named = { ...url, host: 'dc01.corp.test' };
  const client = await dial(
    {},
    { url: named, hostOf: (name) => (name === 'dc01.corp.test' ? '127.0.0.1' : undefined) },
  );
  expect(client.session.servername).toBe('dc01.corp.test');
});

it.each([
  ['a password that is wrong', () => write('password', 'wrong', 0o600), 'directory-bind-refused'],
  ['a password that everybody may read', () => write('password', PASSWORD, 0o644), 'directory-file-unreadable'],
  ['a password of two lines', () => write('password', 'a\nb\n', 0o600), 'directory-file-unreadable'],
  ['a certificate that is none', () => write('dc01.crt', 'hello'), 'directory-file-unreadable'],
  ['a certificate that is not there', () => rmSync(join(folder, 'dc01.crt')), 'directory-file-unreadable'],
])('refuses %s in one sentence without its content', async (_what, spoil, code) => {
  spoil();
  const refusal: unknown = await dial().catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code });
  expect((refusal as Error).message).not.toMatch(/\n|correct horse/);
});

it('says of a file that is not there just that', async () => {
  rmSync(join(folder, 'dc01.crt'));
  await expect(dial()).rejects.toThrow(/cannot be read from .*dc01\.crt: there is no such file$/);
});

it('says that nobody is there', async () => {
  await listener.close();
  await expect(dial()).rejects.toMatchObject({ code: 'ldap-unreachable' });
});
