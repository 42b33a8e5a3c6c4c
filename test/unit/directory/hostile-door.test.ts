// Peers at a directory's door who do not behave: what they can make it hold is bounded, they are cut off, and the log says so;
// others are served meanwhile.

import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SystemClock } from '../../../src/clock.ts';
import { DirectoryDoor } from '../../../src/directory/directory-door.ts';
import { DIRECTORY_ACCOUNT_RIGHTS } from '../../../src/directory/door-rights.ts';
import type { EmbeddedDirectory } from '../../../src/directory/embedded-directory.ts';
import { derivePasswordVerifier } from '../../../src/directory/password-verifier.ts';
import { encode, encodeInteger, encodeOctets, SEQUENCE } from '../../../src/ldap/ber.ts';
import { Oid } from '../../../src/ldap/control.ts';
import { type LdapOperation, toAttributes } from '../../../src/ldap/entry.ts';
import { parseFilter } from '../../../src/ldap/filter.ts';
import { encodeMessage, Tag } from '../../../src/ldap/message.ts';
import { makePageControl, readPageControl } from '../../../src/ldap/paged-results.ts';
import { encodeRequest, type SearchRequest } from '../../../src/ldap/request.ts';
import { decodeEntry } from '../../../src/ldap/response.ts';
import { type LdapLimits, LdapListener } from '../../../src/ldap/server.ts';
import type { KeyPair } from '../../../src/tls/key-pair.ts';
import { createSelfSigned } from '../../../src/tls/self-signed.ts';
import { type KeptLog, keptLog } from '../../helpers/kept-log.ts';
import { RawLdapPeer } from '../../helpers/raw-ldap-peer.ts';
import { eventually } from '../../helpers/servers.ts';
import { AD_CONTEXT, openEmbedded } from './fixtures.ts';

const PASSWORD = 'a password of the test';
const ADMIN = `CN=admin,${AD_CONTEXT}`;
const TREE_SIZE = 2000;

let keyPair: KeyPair;
let verifier: string;
beforeAll(async () => {
  keyPair = await createSelfSigned({ netbiosName: 'HUB01', fqdn: 'hub01.contoso.test', notBefore: new Date() });
  verifier = await derivePasswordVerifier(PASSWORD);
});

let directory: EmbeddedDirectory;
let kept: KeptLog;
let isThere: boolean;
const ends: (() => unknown)[] = [];
beforeEach(() => {
  directory = openEmbedded(AD_CONTEXT);
  kept = keptLog();
  isThere = true;
});
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

async function listen(limits: Partial<LdapLimits> = {}): Promise<number> {
  const account = {
    name: 'admin',
    dn: ADMIN,
    passwordVerifier: verifier,
    certificate: undefined,
    rights: DIRECTORY_ACCOUNT_RIGHTS.Hub,
  };
  const door = {
    name: 'AD',
    accounts: () => (isThere ? [account] : []),
    welcome: () => Promise.resolve(),
    write: (operations: readonly LdapOperation[]) => directory.apply(operations),
  };
  const handler = new DirectoryDoor({ door, directory, clock: new SystemClock(), log: kept.log });
  const security = { kind: 'tls', keyPair: () => keyPair } as const;
  const listener = await LdapListener.open({ host: '127.0.0.1', port: 0, security, handler, log: kept.log, limits });
  ends.push(() => listener.close());
  return listener.address.port;
}

async function dial(port: number): Promise<RawLdapPeer> {
  const peer = await RawLdapPeer.connect(port);
  ends.push(() => peer.close());
  return peer;
}

async function enter(port: number): Promise<RawLdapPeer> {
  const peer = await dial(port);
  const authentication = { kind: 'simple', password: Buffer.from(PASSWORD) } as const;
  expect(await peer.ask(1, { kind: 'bind', version: 3, dn: ADMIN, authentication })).toMatchObject({ resultCode: 0 });
  return peer;
}

/** A container with many others in it. */
async function plant(): Promise<void> {
  const add = (dn: string, description: string): LdapOperation => ({
    kind: 'add',
    dn,
    attributes: toAttributes({ objectClass: 'msExchContainer', description }),
  });
  const leaves = Array.from({ length: TREE_SIZE }, (_none, index) =>
    add(`CN=n${index},${AD_CONTEXT}`, 'x'.repeat(2000)),
  );
  await directory.apply([add(AD_CONTEXT, 'root'), ...leaves]);
}

function search(changes: Partial<SearchRequest> = {}): { kind: 'search' } & SearchRequest {
  const limits = { sizeLimit: 0, timeLimitSeconds: 0, typesOnly: false };
  const filter = parseFilter('(objectClass=*)');
  return { kind: 'search', base: AD_CONTEXT, scope: 'sub', ...limits, filter, attributes: [], ...changes };
}

/** `(!(!(… (cn=*) …)))`, written without recursion. */
function nestedSearch(depth: number): Buffer {
  let filter = encodeOctets('cn', 0x87);
  // Outside in, the lengths add up: joined once, since joining at every level would copy the whole each time.
  const heads: Buffer[] = [];
  for (let level = 0, length = filter.length; level < depth; level += 1) {
    const head = encode(0xa2, Buffer.alloc(0)).subarray(0, 1);
    const size =
      length < 0x80 ? Buffer.from([length]) : Buffer.from([0x83, length >> 16, (length >> 8) & 0xff, length & 0xff]);
    heads.push(Buffer.concat([head, size]));
    length += head.length + size.length;
  }
  filter = Buffer.concat([...heads.toReversed(), filter]);
  const numbers = [encodeInteger(2, 0x0a), encodeInteger(0, 0x0a), encodeInteger(0), encodeInteger(0)];
  const request = encode(
    Tag.searchRequest,
    encodeOctets(AD_CONTEXT),
    ...numbers,
    Buffer.from([1, 1, 0]),
    filter,
    encode(SEQUENCE),
  );
  return encodeMessage(2, request);
}

const logged = (text: string): string[] => kept.lines.filter((line) => line.includes(text));

describe('a door', () => {
  it.each<[string, () => Buffer]>([
    ['a filter nested 20,000 deep', () => nestedSearch(20_000)],
    ['a length of minus one', () => Buffer.from([0x30, 0x84, 0xff, 0xff, 0xff, 0xff])],
    ['a length of two gigabytes', () => Buffer.from([0x30, 0x84, 0x7f, 0xff, 0xff, 0xff])],
    ['a length of eight octets', () => Buffer.from([0x30, 0x88, 0, 0, 0, 0, 0, 0, 0, 5, 2, 1, 2, 0x42, 0])],
    ['an indefinite length', () => Buffer.from([0x30, 0x80, 2, 1, 2, 0x42, 0, 0, 0])],
    [
      'a length inside that is longer than what is around it',
      () => encode(SEQUENCE, encodeInteger(2), Buffer.from([Tag.deleteRequest, 0x84, 0xff, 0xff, 0xff, 0xff])),
    ],
    ['more elements than a message may have', () => encode(SEQUENCE, Buffer.alloc(500_000, Buffer.from([4, 0])))],
  ])('cuts off who sends %s, bound or not, and says so', async (_what, octets) => {
    const port = await listen();
    for (const peer of [await dial(port), await enter(port)]) {
      peer.write(octets());
      await peer.closed;
      const notice = peer.received.at(-1);
      expect(notice).toMatchObject({ messageId: 0, tag: Tag.extendedResponse });
    }
    expect(logged('LDAP peer sent what is no LDAP message')).toHaveLength(2);
    expect(logged('"level":50')).toEqual([]);
  });

  it('answers a filter that nests a hundred deep, as deep as it takes them', async () => {
    await plant();
    const peer = await enter(await listen());
    peer.write(nestedSearch(100));
    expect(await peer.result(2)).toMatchObject({ resultCode: 0 });
    expect(peer.received.filter(({ tag }) => tag === Tag.searchResultEntry)).toHaveLength(TREE_SIZE + 1);
  });

  it('serves others while one floods it with requests and reads nothing', async () => {
    await plant();
    const port = await listen({ idleTimeoutMs: 1500 });
    const flood = await enter(port);
    flood.socket.pause();
    const before = process.memoryUsage().rss;
    const many = Array.from({ length: 2000 }, (_none, index) => encodeMessage(index + 2, encodeRequest(search())));
    flood.write(Buffer.concat(many));
    const honest = await enter(port);
    for (let id = 2; id < 12; id += 1)
      expect(await honest.ask(id, search({ scope: 'base' }))).toMatchObject({ resultCode: 0 });
    // Two thousand answers of four megabytes each were asked for.
    expect(process.memoryUsage().rss - before).toBeLessThan(400 * 1024 * 1024);
    await eventually('the peer that does not read is cut off', () => logged('did not read its answer in time')[0]);
    flood.close();
  });

  it('serves others while one searches everything again and again', async () => {
    await plant();
    const port = await listen();
    const greedy = await enter(port);
    for (let id = 2; id < 22; id += 1) greedy.send(id, search({ filter: parseFilter('(description=*nothing*)') }));
    const honest = await enter(port);
    expect(await honest.ask(2, { kind: 'extended', oid: Oid.whoAmI })).toMatchObject({ resultCode: 0 });
    expect(greedy.received.filter(({ tag }) => tag === Tag.searchResultDone).length).toBeLessThan(20);
  });

  it('takes a flood of abandon requests for what it is', async () => {
    await plant();
    const peer = await enter(await listen());
    const abandon = Array.from({ length: 20_000 }, () => encodeMessage(3, encodeInteger(9999, Tag.abandonRequest)));
    peer.write(Buffer.concat(abandon));
    expect(await peer.ask(4, search({ scope: 'base' }))).toMatchObject({ resultCode: 0 });
  });

  it('guesses no passwords for anybody: after five it waits, and logs none of them', async () => {
    const port = await listen();
    const peer = await dial(port);
    const codes: number[] = [];
    for (let id = 1; id <= 7; id += 1) {
      const authentication = { kind: 'simple', password: Buffer.from(`guess number ${id}`) } as const;
      codes.push((await peer.ask(id, { kind: 'bind', version: 3, dn: ADMIN, authentication })).resultCode);
    }
    expect(codes).toEqual([49, 49, 49, 49, 49, 51, 51]);
    expect(logged('bind to AD refused')).toHaveLength(7);
    expect(logged('guess')).toEqual([]);
  });
});

describe('a large search', () => {
  it('goes on over changes, and shows each entry that stays once', async () => {
    await plant();
    const peer = await enter(await listen());
    const names = (messageId: number): string[] =>
      peer.received
        .filter((message) => message.messageId === messageId && message.tag === Tag.searchResultEntry)
        .map((message) => decodeEntry(message).dn);
    const first = makePageControl({ size: 100, cookie: Buffer.alloc(0) });
    peer.send(2, search({ attributes: ['1.1'] }), [first]);
    await peer.result(2);
    const seen = new Set(names(2));
    // One entry more than the page holds was found already: it may still be shown.
    const victims = Array.from({ length: TREE_SIZE }, (_none, index) => `CN=n${index},${AD_CONTEXT}`)
      .filter((dn) => !seen.has(dn))
      .slice(10, 60);
    await directory.apply(victims.map((dn) => ({ kind: 'delete', dn })));
    let cookie = cookieOf(peer, 2);
    for (let id = 3; cookie.length > 0; id += 1) {
      peer.send(id, search({ attributes: ['1.1'] }), [makePageControl({ size: 500, cookie })]);
      await peer.result(id);
      for (const dn of names(id)) expect([dn, seen.has(dn), seen.add(dn).size > 0]).toEqual([dn, false, true]);
      cookie = cookieOf(peer, id);
    }
    expect(seen.size).toBe(TREE_SIZE + 1 - victims.length);
    expect(victims.filter((dn) => seen.has(dn))).toEqual([]);
  });

  it('ends when its account does, between two pages too', async () => {
    await plant();
    const peer = await enter(await listen());
    peer.send(2, search(), [makePageControl({ size: 100, cookie: Buffer.alloc(0) })]);
    await peer.result(2);
    isThere = false;
    peer.send(3, search(), [makePageControl({ size: 1000, cookie: cookieOf(peer, 2) })]);
    expect(await peer.result(3)).toMatchObject({ resultCode: 50 });
    expect(
      peer.received.filter(({ messageId, tag }) => messageId === 3 && tag === Tag.searchResultEntry).length,
    ).toBeLessThan(1000);
  });
});

function cookieOf(peer: RawLdapPeer, messageId: number): Buffer {
  const done = peer.received.find((message) => message.messageId === messageId && message.tag === Tag.searchResultDone);
  const [control] = done?.controls ?? [];
  return control ? readPageControl(control).cookie : Buffer.alloc(0);
}
