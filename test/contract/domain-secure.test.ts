// Domain security on the receiving side, over real handshakes: whose mail a domain's own certificate lets in, and whose it keeps out.
// The sending side is test/contract/requiretls-hop.test.ts.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tls from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ReceiveConnector } from '../../src/directory/receive-connector.ts';
import type { KeyPair } from '../../src/tls/key-pair.ts';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import { ListenerBench } from '../helpers/listener-bench.ts';
import { OwnAuthority } from '../helpers/own-authority.ts';
import { makeReceiverPolicy, type ReceiverNotes } from '../helpers/receiver-policy.ts';

const folder = mkdtempSync(join(tmpdir(), 'relaypair-domain-secure-'));
const bench = new ListenerBench();
let keyPair: KeyPair;
const pems = new Map<Client, string>();

type Client = 'woodgrove' | 'tailspin' | 'self-signed' | 'nobody' | 'in clear';

beforeAll(async () => {
  const notBefore = new Date(Date.now() - 60_000);
  keyPair = await createSelfSigned({ netbiosName: 'EDGE01', fqdn: 'edge01.test', notBefore });
  const authority = new OwnAuthority(folder);
  authority.issue('woodgrove', { key: 'ec', domains: ['mail.woodgrove.test'] });
  authority.issue('tailspin', { key: 'ec', domains: ['*.eu.tailspin.test'] });
  for (const name of ['woodgrove', 'tailspin'] as const)
    pems.set(name, readFileSync(join(folder, `${name}.pem`), 'utf8'));
  const own = await createSelfSigned({ netbiosName: 'MAIL', fqdn: 'mail.woodgrove.test', notBefore });
  pems.set('self-signed', `${own.certificate.pem}${own.privateKeyPem}`);
  tls.setDefaultCACertificates([readFileSync(join(folder, 'root.pem'), 'utf8')]);
});
afterEach(() => bench.clear());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const CONNECTOR: Partial<ReceiveConnector> = {
  domainSecureEnabled: true,
  permissionGroups: ['AnonymousUsers', 'ExchangeServers', 'Partners'],
};

/** The answer to MAIL, and to the message where that may come. */
async function send(
  client: Client,
  from: string,
  connector: Partial<ReceiveConnector> = CONNECTOR,
): Promise<{ mail: string; notes: ReceiverNotes }> {
  const { policy, notes } = makeReceiverPolicy({
    keyPair,
    connectors: [connector],
    transportConfig: { tlsReceiveDomainSecureList: ['woodgrove.test', '*.tailspin.test'] },
  });
  const wire = await bench.greet(await bench.listen(policy));
  if (client !== 'in clear') {
    expect(await wire.ask('STARTTLS')).toMatch(/^220/);
    const pem = pems.get(client);
    await wire.secure(pem === undefined ? {} : { cert: pem, key: pem });
    await wire.ask('EHLO mail.woodgrove.test');
  }
  const mail = await wire.ask(`MAIL FROM:<${from}>`);
  if (mail.startsWith('250')) {
    expect(await wire.ask('RCPT TO:<a@elsewhere.test>')).toBe('550 5.7.1 Unable to relay');
    expect(await wire.ask('RCPT TO:<a@edge01.test>')).toMatch(/^250/);
    expect(await wire.ask('DATA')).toMatch(/^354/);
    wire.write('Subject: x\r\n\r\nx\r\n');
    expect(await wire.ask('.')).toMatch(/^250 2\.6\.0/);
  }
  return { mail: mail.slice(0, 9), notes };
}

const UNPROVEN = '451 4.7.5';
const TAKEN = '250 2.1.0';

describe('mail from a domain with domain security', () => {
  it.each<[Client, string, string, string?]>([
    ['woodgrove', 'a@woodgrove.test', TAKEN, 'tls-verified'],
    ['tailspin', 'a@eu.tailspin.test', TAKEN, 'tls-verified'],
    ['woodgrove', 'a@eu.tailspin.test', UNPROVEN],
    ['self-signed', 'a@woodgrove.test', UNPROVEN],
    ['nobody', 'a@woodgrove.test', UNPROVEN],
    ['in clear', 'a@woodgrove.test', UNPROVEN],
    ['in clear', 'a@elsewhere.test', TAKEN, 'starttls-not-used'],
    ['nobody', 'a@elsewhere.test', TAKEN, 'tls-opportunistic'],
  ])('%s as %s: %s', async (client, from, expected, reason) => {
    const { mail, notes } = await send(client, from);
    expect(mail).toBe(expected);
    expect(notes.accepted.map(({ reason: noted }) => noted)).toEqual(reason === undefined ? [] : [reason]);
  });

  it('is all that a connector for partners takes', async () => {
    const partners: Partial<ReceiveConnector> = { ...CONNECTOR, permissionGroups: ['Partners'] };
    expect((await send('woodgrove', 'a@woodgrove.test', partners)).mail).toBe(TAKEN);
    expect((await send('woodgrove', 'a@elsewhere.test', partners)).mail).toBe('550 5.7.1');
    expect((await send('nobody', 'a@elsewhere.test', partners)).mail).toBe('530 5.7.1');
  });

  it('is like any other where the connector has none', async () => {
    expect((await send('in clear', 'a@woodgrove.test', { ...CONNECTOR, domainSecureEnabled: false })).mail).toBe(TAKEN);
  });
});
