import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connectLdap, type LdapClient, type LdapClientOptions } from '../../../src/ldap/client.ts';
import { Oid } from '../../../src/ldap/control.ts';
import { toAttributes } from '../../../src/ldap/entry.ts';
import { encodeMessage } from '../../../src/ldap/message.ts';
import { encodeEntry, encodeNoticeOfDisconnection, encodeResult } from '../../../src/ldap/response.ts';
import { outcomeOf, SUCCESS } from '../../../src/ldap/result.ts';
import { encodeFailedMessage } from '../../../src/ldap/transaction.ts';
import { Problem } from '../../../src/problem.ts';
import type { KeyPair } from '../../../src/tls/key-pair.ts';
import { createSelfSigned } from '../../../src/tls/self-signed.ts';
import { person } from '../../helpers/ldap-server-contract.ts';
import { type Script, type ScriptedLdapServer, startScriptedLdapServer } from '../../helpers/scripted-ldap-server.ts';

const openEnd: (() => unknown)[] = [];
let pair: KeyPair;

beforeAll(async () => {
  pair = await createSelfSigned({
    netbiosName: 'EDGE01',
    fqdn: 'edge01.test',
    notBefore: new Date(Date.now() - 60_000),
  });
});

afterEach(async () => {
  for (const close of openEnd.splice(0).toReversed()) await close();
});

async function serve(script: Script): Promise<ScriptedLdapServer> {
  const server = await startScriptedLdapServer(pair, script);
  openEnd.push(() => server.close());
  return server;
}

/** A port where `greet` happens to every connection, without TLS. */
async function servePlain(greet: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    greet(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  openEnd.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function dial(port: number, options: Partial<LdapClientOptions> = {}): Promise<LdapClient> {
  const client = await connectLdap({ host: '127.0.0.1', port, approve: () => undefined, timeoutMs: 2000, ...options });
  openEnd.push(() => client.close());
  return client;
}

describe('connectLdap', () => {
  it('sends nothing to a peer that is not approved, and throws the very reason', async () => {
    const server = await serve(() => SUCCESS);
    const refusal = new Problem('wrong-pin', 'not the certificate on record');
    for (const approve of [() => refusal, () => Promise.resolve(refusal), () => Promise.reject(refusal)]) {
      await expect(dial(server.port, { approve })).rejects.toBe(refusal);
    }
    expect(server.receivedBytes()).toBe(0);
  });

  it('shows the one who approves what the handshake showed, the name that it asked for included', async () => {
    const server = await serve(() => SUCCESS);
    const client = await dial(server.port, {
      servername: 'edge01.test',
      approve: ({ peerCertificate }) =>
        peerCertificate?.thumbprint === pair.certificate.thumbprint ? undefined : new Problem('wrong-pin', ''),
    });
    expect(client.session).toMatchObject({ protocol: 'TLSv1.3', peerChainTrusted: false, resumed: false });
  });

  it('says that a port where nobody listens is unreachable', async () => {
    const port = await servePlain(() => undefined);
    for (const close of openEnd.splice(0)) await close();
    await expect(dial(port)).rejects.toMatchObject({ code: 'ldap-unreachable' });
  });

  it('says that a peer which hangs up is unreachable', async () => {
    await expect(dial(await servePlain((socket) => socket.destroy()))).rejects.toMatchObject({
      code: 'ldap-unreachable',
    });
  });

  it('says that a peer which speaks no TLS refused', async () => {
    const port = await servePlain((socket) => socket.end('220 mail.test ESMTP\r\n'));
    await expect(dial(port)).rejects.toMatchObject({ code: 'ldap-peer-refused' });
  });

  it('waits no longer than its time for a peer that says nothing, and for one who does not approve', async () => {
    const port = await servePlain(() => undefined);
    await expect(dial(port, { timeoutMs: 100 })).rejects.toMatchObject({ code: 'ldap-unreachable' });
    const server = await serve(() => SUCCESS);
    const approve = (): Promise<undefined> => new Promise(() => undefined);
    await expect(dial(server.port, { timeoutMs: 100, approve })).rejects.toMatchObject({ code: 'ldap-unreachable' });
  });
});

describe('LdapClient', () => {
  it('does not send a bind that would be an anonymous one', async () => {
    const server = await serve(() => SUCCESS);
    const client = await dial(server.port);
    await expect(client.bindSimple('cn=a', '')).rejects.toMatchObject({ code: 'ldap-unwilling-to-perform' });
    await expect(client.bindSimple('', 'x')).rejects.toMatchObject({ code: 'ldap-unwilling-to-perform' });
    expect(server.requests).toEqual([]);
  });

  it('keeps name, code and matched name of a refusal', async () => {
    const refusal = outcomeOf('noSuchObject', { matchedDn: 'dc=test', diagnosticMessage: 'gone' });
    const client = await dial((await serve(() => refusal)).port);
    await expect(client.compare('cn=a', 'b', 'c')).rejects.toMatchObject({
      code: 'ldap-no-such-object',
      resultCode: 32,
      matchedDn: 'dc=test',
      message: 'the LDAP server refused with noSuchObject: gone',
    });
  });

  it.each<[string, Script, string]>([
    ['is silent', () => undefined, 'ldap-unreachable'],
    ['sends what is no LDAP', () => Buffer.from('sorry\r\n'), 'ldap-peer-refused'],
    ['sends a length of minus one', () => Buffer.from([0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), 'ldap-peer-refused'],
    [
      'sends a result without its parts',
      ({ message }) => encodeMessage(message.messageId, Buffer.from([0x78, 0])),
      'ldap-malformed',
    ],
    ['ends with a notice', () => encodeNoticeOfDisconnection(outcomeOf('unavailable')), 'ldap-peer-refused'],
    ['hangs up', ({ socket }) => void socket.destroy(), 'ldap-unreachable'],
    ['answers another question', () => encodeMessage(77, encodeResult(0x78, SUCCESS)), 'ldap-unreachable'],
  ])('gives up a peer that %s, and does not come back by itself', async (_what, script, code) => {
    const server = await serve(script);
    const client = await dial(server.port, { timeoutMs: 200 });
    const second = client.whoAmI().catch((error: unknown) => error);
    await expect(client.whoAmI()).rejects.toBeInstanceOf(Problem);
    expect(await second).toMatchObject({ code });
    await client.closed;
    expect(client.isOpen).toBe(false);
    const count = server.requests.length;
    await expect(client.whoAmI()).rejects.toMatchObject({
      code: expect.stringMatching(/^ldap-(unreachable|peer-refused)$/),
    });
    expect(server.requests).toHaveLength(count);
  });

  it('gathers entries until the result, whatever comes between', async () => {
    const entry = { dn: 'cn=a', attributes: toAttributes({ cn: [Buffer.from([0xff, 0])] }) };
    const server = await serve(({ message: { messageId } }) =>
      Buffer.concat([
        encodeMessage(messageId, encodeEntry(entry)),
        encodeMessage(messageId, Buffer.from([0x73, 4, 4, 2, 0x61, 0x62])),
        encodeMessage(messageId, encodeEntry(entry)),
        encodeMessage(messageId, encodeResult(0x65, SUCCESS)),
      ]),
    );
    const client = await dial(server.port);
    expect(await client.search({ base: '', scope: 'sub' })).toEqual([entry, entry]);
  });

  it('fetches page after page with the cookie it was given', async () => {
    const pages: string[] = [];
    const server = await serve(({ message }) => {
      const cookie = message.controls[0]?.value?.subarray(-1).toString('hex') ?? 'none';
      pages.push(cookie);
      const next = pages.length < 3 ? [4, 1, 0xf0 + pages.length] : [4, 0];
      const value = Buffer.from([0x30, 3 + next.length, 2, 1, 0, ...next]);
      const control = { oid: Oid.pagedResults, critical: false, value };
      return encodeMessage(message.messageId, encodeResult(0x65, SUCCESS), [control]);
    });
    const client = await dial(server.port);
    await client.search({ base: 'dc=test', scope: 'sub' });
    expect(pages).toEqual(['00', 'f1', 'f2']);
  });

  it('does not ask for pages when it has a size limit, and takes being cut off for an answer', async () => {
    const server = await serve(({ message }) => {
      expect(message.controls).toEqual([]);
      return outcomeOf('sizeLimitExceeded');
    });
    const client = await dial(server.port);
    expect(await client.search({ base: '', scope: 'sub', sizeLimit: 5 })).toEqual([]);
    const whole = await dial((await serve(() => outcomeOf('sizeLimitExceeded'))).port);
    await expect(whole.search({ base: '', scope: 'sub' })).rejects.toMatchObject({ resultCode: 4 });
  });

  it('carries a transaction id of any octets, and names the operation that the server names', async () => {
    const id = Buffer.from([0, 0xff, 0xef, 0xbb, 0xbf]);
    const server = await serve(({ message, request }) => {
      if (request.kind === 'update') {
        expect(message.controls).toEqual([{ oid: Oid.transactionSpecification, critical: true, value: id }]);
        return SUCCESS;
      }
      if (request.kind === 'extended' && request.oid === Oid.startTransaction) return { ...SUCCESS, responseValue: id };
      return { ...outcomeOf('busy'), responseValue: encodeFailedMessage(300) };
    });
    const client = await dial(server.port);
    // Before it come the start, 297 updates, and the question whether this server takes them in their order.
    const operations = Array.from({ length: 300 }, (_none, index) => person(`p${index}`, 'dc=test'));
    await expect(client.apply(operations)).rejects.toMatchObject({ code: 'ldap-busy', failedOperation: 297 });
  });

  it('gives a transaction up when one of its updates is refused', async () => {
    const server = await serve(({ request }) =>
      request.kind === 'update' && request.operation.dn.startsWith('cn=b') ? outcomeOf('unwillingToPerform') : SUCCESS,
    );
    const client = await dial(server.port);
    const operations = ['a', 'b', 'c'].map((name) => person(name, 'dc=test'));
    await expect(client.apply(operations)).rejects.toMatchObject({
      code: 'ldap-unwilling-to-perform',
      failedOperation: 1,
    });
    const [who, start, first, second, end, ...more] = server.requests;
    expect([who?.kind, start?.kind, first?.kind, second?.kind, end?.kind, more]).toEqual([
      'search',
      'extended',
      'update',
      'update',
      'extended',
      [],
    ]);
    expect(end).toMatchObject({ oid: Oid.endTransaction, value: Buffer.from([0x30, 5, 1, 1, 0, 4, 0]) });
  });

  it('unbinds when it is closed and ends even when the peer does not', async () => {
    const server = await serve(() => SUCCESS);
    const client = await dial(server.port);
    await client.whoAmI();
    await client.close();
    await client.close();
    expect(server.requests.at(-1)).toEqual({ kind: 'unbind' });
    await expect(client.whoAmI()).rejects.toMatchObject({ code: 'ldap-unreachable' });
  });
});
