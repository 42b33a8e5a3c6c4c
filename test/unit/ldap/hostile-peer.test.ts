import { once } from 'node:events';
import { connect as connectPlain } from 'node:net';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { encode, encodeInteger, encodeOctets, SEQUENCE } from '../../../src/ldap/ber.ts';
import { type Control, Oid } from '../../../src/ldap/control.ts';
import type { LdapOperation } from '../../../src/ldap/entry.ts';
import { type Filter, parseFilter } from '../../../src/ldap/filter.ts';
import { encodeMessage } from '../../../src/ldap/message.ts';
import { type BindRequest, encodeRequest, type SearchRequest } from '../../../src/ldap/request.ts';
import { type LdapLimits, LdapListener } from '../../../src/ldap/server.ts';
import { decodeFailedMessage, encodeEndTransaction } from '../../../src/ldap/transaction.ts';
import { silentLog } from '../../../src/log.ts';
import type { KeyPair } from '../../../src/tls/key-pair.ts';
import { createSelfSigned } from '../../../src/tls/self-signed.ts';
import { ADMIN, MemoryLdapHandler, PASSWORD } from '../../helpers/memory-ldap-handler.ts';
import { type PeerOptions, RawLdapPeer } from '../../helpers/raw-ldap-peer.ts';

const openEnd: (() => unknown)[] = [];
let keyPair: KeyPair;
let handler: MemoryLdapHandler;

beforeAll(async () => {
  keyPair = await createSelfSigned({
    netbiosName: 'EDGE01',
    fqdn: 'edge01.test',
    notBefore: new Date(Date.now() - 60_000),
  });
});

beforeEach(() => {
  handler = new MemoryLdapHandler();
});

afterEach(async () => {
  for (const close of openEnd.splice(0).toReversed()) await close();
});

async function listen(limits: Partial<LdapLimits> = {}): Promise<number> {
  const security = { kind: 'tls', keyPair: () => keyPair } as const;
  const listener = await LdapListener.open({ host: '127.0.0.1', port: 0, security, handler, log: silentLog(), limits });
  openEnd.push(() => listener.close());
  return listener.address.port;
}

async function dialRaw(port: number, options: PeerOptions = {}): Promise<RawLdapPeer> {
  const peer = await RawLdapPeer.connect(port, options);
  openEnd.push(() => peer.close());
  return peer;
}

describe('the LDAP server, to a peer that does not know how to behave,', () => {
  it.each([
    ['bytes that are no BER', Buffer.from('EHLO mail.test\r\n')],
    ['a length of minus one', Buffer.from([0x30, 0x84, 0xff, 0xff, 0xff, 0xff])],
    ['a length beyond the limit for strangers', Buffer.from([0x30, 0x84, 0, 1, 0, 0])],
    [
      'deep nesting',
      Buffer.concat([Buffer.from([0x30, 0x82, 0x07, 0xd0]), Buffer.alloc(2000, Buffer.from([0x30, 0x80]))]),
    ],
    ['a message without an operation', encode(SEQUENCE, encodeInteger(1))],
    ['an operation that LDAP does not have', encodeMessage(1, encodeOctets('x', 0x7d))],
    ['a response', encodeMessage(1, encodeOctets('', 0x61))],
    ['a request with the id of notices', encodeMessage(0, encodeRequest({ kind: 'extended', oid: Oid.whoAmI }))],
    ['a bind without its parts', encodeMessage(1, encode(0x60))],
  ])('answers %s with a notice of disconnection and closes', async (_what, octets) => {
    const peer = await dialRaw(await listen());
    const gone = handler.departure();
    peer.write(octets);
    await Promise.all([peer.closed, gone]);
    expect(peer.received).toHaveLength(1);
    const notice = await peer.result(0);
    expect(notice).toMatchObject({ resultCode: 2, responseName: '1.3.6.1.4.1.1466.20036' });
    expect(handler.closedIds).toEqual(['ldap-1']);
  });

  it('answers in order what came before the broken message', async () => {
    const peer = await dialRaw(await listen());
    const good = [1, 2, 3].map((id) => encodeMessage(id, encodeRequest({ kind: 'extended', oid: Oid.whoAmI })));
    peer.write(Buffer.concat([...good, Buffer.from([0xff, 0xff])]));
    await peer.closed;
    expect(peer.received.map((message) => message.messageId)).toEqual([1, 2, 3, 0]);
  });

  it('tells a filter that nests too deep from a broken message, and goes on', async () => {
    const peer = await dialRaw(await listen());
    let filter: Filter = { kind: 'present', attribute: 'cn' };
    for (let depth = 0; depth < 101; depth += 1) filter = { kind: 'not', filter };
    expect(await peer.ask(1, makeSearch({ filter }))).toMatchObject({ resultCode: 11 });
    expect(await peer.ask(2, makeSearch({}))).toMatchObject({ resultCode: 0 });
  });

  it.each([
    ['an unknown critical control', makeSearch({}), [{ oid: '1.2.3', critical: true }], 12],
    ['an unknown control that is not critical', makeSearch({}), [{ oid: '1.2.3', critical: false }], 0],
    ['a transaction control on a search', makeSearch({}), [{ oid: Oid.transactionSpecification, critical: true }], 12],
    ['an unknown extended operation', { kind: 'extended', oid: '1.3.6.1.4.1.1466.20037' } as const, [], 2],
    ['the end of a transaction that is not open', endTransaction(true), [], 1],
    ['the end of a transaction without a value', { kind: 'extended', oid: Oid.endTransaction } as const, [], 2],
    ['a transaction before a bind', { kind: 'extended', oid: Oid.startTransaction } as const, [], 50],
    ['an update in a transaction that is not open', remove(), [inTransaction('none')], 1],
    ['a transaction control that is not critical', remove(), [{ ...inTransaction('none'), critical: false }], 2],
    ['LDAP version 2', makeBind({ version: 2 }), [], 2],
    ['a mechanism that is not EXTERNAL', makeBind({ authentication: { kind: 'sasl', mechanism: 'GSSAPI' } }), [], 7],
    ['a password without a name', makeBind({ dn: '' }), [], 49],
    ['a name without a password', makeBind({ authentication: { kind: 'simple', password: Buffer.alloc(0) } }), [], 53],
    ['an anonymous bind', makeBind({ dn: '', authentication: { kind: 'simple', password: Buffer.alloc(0) } }), [], 0],
    ['a name that is none', makeBind({ dn: 'admin' }), [], 34],
  ] satisfies [string, Parameters<RawLdapPeer['ask']>[1], Control[], number][])(
    'answers %s',
    async (_what, request, controls, code) => {
      const peer = await dialRaw(await listen());
      expect((await peer.ask(1, request, controls)).resultCode).toBe(code);
      expect((await peer.ask(2, { kind: 'extended', oid: Oid.whoAmI })).resultCode).toBe(0);
    },
  );

  it('drops an open transaction at the next bind, and has one at a time', async () => {
    const peer = await dialRaw(await listen());
    await peer.ask(1, makeBind({}));
    const { responseValue } = await peer.ask(2, { kind: 'extended', oid: Oid.startTransaction });
    expect((await peer.ask(3, { kind: 'extended', oid: Oid.startTransaction })).resultCode).toBe(51);
    const id = String(responseValue);
    expect((await peer.ask(4, remove(), [inTransaction(id)])).resultCode).toBe(0);
    await peer.ask(5, makeBind({}));
    expect((await peer.ask(6, endTransaction(true, id))).resultCode).toBe(1);
    expect(handler.applied).toEqual([]);
  });

  it('does nothing of a transaction that its client gives up, and names the failing message of one that fails', async () => {
    const peer = await dialRaw(await listen());
    await peer.ask(1, makeBind({}));
    const first = String((await peer.ask(2, { kind: 'extended', oid: Oid.startTransaction })).responseValue);
    await peer.ask(3, remove('ou=people,dc=test'), [inTransaction(first)]);
    expect((await peer.ask(4, endTransaction(false, first))).resultCode).toBe(0);
    expect(handler.get('ou=people,dc=test')).toBeDefined();
    const second = String((await peer.ask(5, { kind: 'extended', oid: Oid.startTransaction })).responseValue);
    await peer.ask(1000, remove('ou=people,dc=test'), [inTransaction(second)]);
    await peer.ask(1001, remove('cn=nobody,dc=test'), [inTransaction(second)]);
    const ended = await peer.ask(7, endTransaction(true, second));
    expect(ended.resultCode).toBe(32);
    expect(decodeFailedMessage(ended.responseValue)).toBe(1001);
    expect(handler.get('ou=people,dc=test')).toBeDefined();
  });

  it('ignores abandon and ends without a word at unbind', async () => {
    const peer = await dialRaw(await listen());
    peer.write(encodeMessage(1, encodeInteger(9, 0x50)));
    expect((await peer.ask(2, { kind: 'extended', oid: Oid.whoAmI })).resultCode).toBe(0);
    peer.send(3, { kind: 'unbind' });
    await peer.closed;
    expect(peer.received).toHaveLength(1);
  });

  it('drops a peer that says nothing, and one that never ends its message', async () => {
    const port = await listen({ idleTimeoutMs: 150 });
    const silent = await dialRaw(port);
    const slow = await dialRaw(port);
    const drip = setInterval(() => slow.write(Buffer.from([0])), 20);
    openEnd.push(() => clearInterval(drip));
    slow.write(Buffer.from([0x30, 0x82, 0x10, 0]));
    await Promise.all([silent.closed, slow.closed]);
  });

  it('drops a peer that asks and never reads, and holds no more than one answer for it', async () => {
    const port = await listen({ idleTimeoutMs: 300 });
    handler.put('cn=big,dc=test', { objectClass: 'person', jpegPhoto: Buffer.alloc(4 * 1024 * 1024) });
    let searches = 0;
    handler.hold = async () => void (searches += 1);
    const peer = await dialRaw(port);
    await peer.ask(1, makeBind({}));
    peer.socket.pause();
    for (let id = 2; id < 50; id += 1) peer.send(id, makeSearch({ base: 'cn=big,dc=test' }));
    await handler.departure();
    expect(searches).toBe(1);
    peer.close();
  });

  it('takes no more connections than its limit, and new ones when old ones have gone', async () => {
    const port = await listen({ maxConnections: 2 });
    const first = await dialRaw(port);
    await dialRaw(port);
    await expect(RawLdapPeer.connect(port)).rejects.toMatchObject({ code: 'ECONNRESET' });
    first.close();
    await handler.departure();
    await dialRaw(port);
  });

  it('lets no address have all of its connections', async () => {
    const port = await listen({ maxConnections: 4, maxConnectionsPerAddress: 2 });
    const first = await dialRaw(port);
    await dialRaw(port);
    await expect(RawLdapPeer.connect(port)).rejects.toMatchObject({ code: 'ECONNRESET' });
    await dialRaw(port, { localAddress: '127.0.0.2' });
    first.close();
    await handler.departure();
    await dialRaw(port);
  });

  it('waits less long for a peer that has not bound', async () => {
    const port = await listen({ anonymousIdleTimeoutMs: 150, idleTimeoutMs: 60_000 });
    const bound = await dialRaw(port);
    await bound.ask(1, makeBind({}));
    await dialRaw(port);
    await handler.departure();
    expect(handler.closedIds).toEqual(['ldap-2']);
    await bound.ask(2, { kind: 'extended', oid: Oid.whoAmI });
  });

  it('drops a peer that does not finish its handshake, and one that speaks no TLS', async () => {
    const port = await listen({ handshakeTimeoutMs: 150 });
    for (const text of [
      '',
      'junk that is no ClientHello\r\n',
      '\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00',
    ]) {
      const socket = connectPlain(port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(Buffer.from(text, 'latin1'));
      socket.resume();
      await once(socket, 'close');
    }
    expect(handler.closedIds).toEqual([]);
    await dialRaw(port);
  });
});

function makeSearch(changes: Partial<SearchRequest>): { kind: 'search' } & SearchRequest {
  const filter = parseFilter('(objectClass=*)');
  const limits = { sizeLimit: 0, timeLimitSeconds: 0, typesOnly: false };
  return { kind: 'search', base: '', scope: 'base', ...limits, filter, attributes: [], ...changes };
}

function makeBind(changes: Partial<BindRequest>): { kind: 'bind' } & BindRequest {
  const authentication = { kind: 'simple', password: Buffer.from(PASSWORD) } as const;
  return { kind: 'bind', version: 3, dn: ADMIN, authentication, ...changes };
}

function remove(dn = 'dc=test'): { kind: 'update'; operation: LdapOperation } {
  return { kind: 'update', operation: { kind: 'delete', dn } };
}

function inTransaction(id: string): Control {
  return { oid: Oid.transactionSpecification, critical: true, value: Buffer.from(id) };
}

function endTransaction(commit: boolean, id = 'none'): { kind: 'extended'; oid: string; value: Buffer } {
  return { kind: 'extended', oid: Oid.endTransaction, value: encodeEndTransaction({ commit, id: Buffer.from(id) }) };
}
