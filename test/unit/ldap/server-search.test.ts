import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { encodeInteger } from '../../../src/ldap/ber.ts';
import type { Control } from '../../../src/ldap/control.ts';
import { Oid } from '../../../src/ldap/control.ts';
import { parseFilter } from '../../../src/ldap/filter.ts';
import { encodeMessage, Tag } from '../../../src/ldap/message.ts';
import { makePageControl, readPageControl } from '../../../src/ldap/paged-results.ts';
import type { SearchRequest } from '../../../src/ldap/request.ts';
import { decodeResult } from '../../../src/ldap/response.ts';
import { type LdapLimits, LdapListener } from '../../../src/ldap/server.ts';
import { silentLog } from '../../../src/log.ts';
import type { KeyPair } from '../../../src/tls/key-pair.ts';
import { createSelfSigned } from '../../../src/tls/self-signed.ts';
import { EndlessLdapHandler } from '../../helpers/endless-ldap-handler.ts';
import { ADMIN, PASSWORD } from '../../helpers/memory-ldap-handler.ts';
import { RawLdapPeer } from '../../helpers/raw-ldap-peer.ts';
import { eventually } from '../../helpers/servers.ts';

const openEnd: (() => unknown)[] = [];
let keyPair: KeyPair;
let handler: EndlessLdapHandler;

beforeAll(async () => {
  const notBefore = new Date(Date.now() - 60_000);
  keyPair = await createSelfSigned({ netbiosName: 'EDGE01', fqdn: 'edge01.test', notBefore });
});
beforeEach(() => {
  handler = new EndlessLdapHandler();
});
afterEach(async () => {
  for (const close of openEnd.splice(0).toReversed()) await close();
});

/** A bound peer. */
async function enter(limits: Partial<LdapLimits> = {}): Promise<RawLdapPeer> {
  const security = { kind: 'tls', keyPair: () => keyPair } as const;
  const listener = await LdapListener.open({ host: '127.0.0.1', port: 0, security, handler, log: silentLog(), limits });
  openEnd.push(() => listener.close());
  const peer = await RawLdapPeer.connect(listener.address.port);
  openEnd.push(() => peer.close());
  const authentication = { kind: 'simple', password: Buffer.from(PASSWORD) } as const;
  await peer.ask(1, { kind: 'bind', version: 3, dn: ADMIN, authentication });
  return peer;
}

function search(changes: Partial<SearchRequest> = {}): { kind: 'search' } & SearchRequest {
  const limits = { sizeLimit: 0, timeLimitSeconds: 0, typesOnly: false };
  return {
    kind: 'search',
    base: 'dc=test',
    scope: 'sub',
    ...limits,
    filter: parseFilter('(cn=*)'),
    attributes: [],
    ...changes,
  };
}

const whoAmI = { kind: 'extended', oid: Oid.whoAmI } as const;

function entriesFor(peer: RawLdapPeer, messageId: number): number {
  return peer.received.filter((message) => message.messageId === messageId && message.tag === Tag.searchResultEntry)
    .length;
}

interface PageAnswer {
  readonly resultCode: number;
  readonly entries: number;
  readonly cookie: Buffer | undefined;
}

async function askPage(
  peer: RawLdapPeer,
  messageId: number,
  request: SearchRequest,
  control: Control,
): Promise<PageAnswer> {
  peer.send(messageId, { kind: 'search', ...request }, [control]);
  await peer.result(messageId);
  const done = peer.received.find((message) => message.messageId === messageId && message.tag === Tag.searchResultDone);
  if (!done) throw new Error('no result');
  const [answer] = done.controls;
  const { resultCode } = decodeResult(done);
  return { resultCode, entries: entriesFor(peer, messageId), cookie: answer && readPageControl(answer).cookie };
}

const first = (size: number): Control => makePageControl({ size, cookie: Buffer.alloc(0) });
const next = (size: number, cookie: Buffer | undefined): Control =>
  makePageControl({ size, cookie: cookie ?? Buffer.from('none') });

describe('a search', () => {
  it('makes no more entries than the peer reads', async () => {
    handler.size = 10_000;
    const peer = await enter();
    peer.socket.pause();
    peer.send(2, search());
    let last = 0;
    const settled = await eventually('entries have stopped being made', () => {
      const isSame = handler.made === last;
      last = handler.made;
      return isSame && last > 0 ? last : undefined;
    });
    // What the two sockets and one write hold, some megabytes at most, and not without end.
    expect(settled).toBeLessThan(3000);
    peer.close();
    await eventually('the search is let go of', () => handler.released || undefined);
  });

  it('stops at the size limit and asks for no entry more than it needs to know of', async () => {
    const peer = await enter();
    expect(await peer.ask(2, search({ sizeLimit: 3 }))).toMatchObject({ resultCode: 4 });
    expect([entriesFor(peer, 2), handler.made, handler.released]).toEqual([3, 4, 1]);
    handler.count = 3;
    expect(await peer.ask(3, search({ sizeLimit: 3 }))).toMatchObject({ resultCode: 0 });
  });

  it("stops at the client's time limit, and at the server's own", async () => {
    handler.pause = (made) => new Promise((resolve) => void setTimeout(resolve, made > 2 ? 20 : 0));
    const peer = await enter({ maxSearchMs: 500 });
    expect(await peer.ask(2, search({ timeLimitSeconds: 0 }))).toMatchObject({ resultCode: 3 });
    expect(await peer.ask(3, search({ timeLimitSeconds: 3600 }))).toMatchObject({ resultCode: 3 });
    expect(entriesFor(peer, 3)).toBeGreaterThan(0);
    const patient = await enter();
    const begun = performance.now();
    expect(await patient.ask(4, search({ timeLimitSeconds: 1 }))).toMatchObject({ resultCode: 3 });
    expect(performance.now() - begun).toBeGreaterThan(900);
    expect(handler.released).toBe(3);
  });

  it('that is abandoned gets no result, and what comes after it is answered', async () => {
    const peer = await enter();
    handler.pause = () => new Promise((resolve) => void setImmediate(resolve));
    peer.send(2, search());
    await eventually('entries come', () => entriesFor(peer, 2) > 10 || undefined);
    peer.write(encodeMessage(3, encodeInteger(99, Tag.abandonRequest)));
    peer.write(encodeMessage(4, encodeInteger(2, Tag.abandonRequest)));
    expect(await peer.ask(5, whoAmI)).toMatchObject({ resultCode: 0 });
    expect(handler.released).toBe(1);
    expect(peer.received.filter(({ tag }) => tag === Tag.searchResultDone)).toEqual([]);
  });

  it.each([
    ['the peer says good-bye', (peer: RawLdapPeer) => peer.send(9, { kind: 'unbind' })],
    ['the peer has gone', (peer: RawLdapPeer) => peer.close()],
    ['something comes that is no LDAP', (peer: RawLdapPeer) => peer.write(Buffer.from('QUIT\r\n'))],
  ])('ends when %s', async (_what, leave) => {
    const peer = await enter();
    handler.pause = () => new Promise((resolve) => void setImmediate(resolve));
    const gone = handler.departure();
    peer.send(2, search());
    await eventually('entries come', () => entriesFor(peer, 2) > 10 || undefined);
    leave(peer);
    await Promise.all([gone, peer.closed]);
    expect(handler.released).toBe(1);
  });

  it('that goes on for long is not taken for a silent peer', async () => {
    const peer = await enter({ idleTimeoutMs: 1000 });
    handler.count = 12;
    handler.pause = () => new Promise((resolve) => void setTimeout(resolve, 100));
    expect(await peer.ask(2, search())).toMatchObject({ resultCode: 0 });
    expect(entriesFor(peer, 2)).toBe(12);
  });
});

describe('a search in pages', () => {
  it('gives each entry once, whatever comes between the pages', async () => {
    handler.count = 25;
    const peer = await enter();
    const one = await askPage(peer, 2, search(), first(10));
    expect(one).toMatchObject({ resultCode: 0, entries: 10, cookie: expect.any(Buffer) });
    expect(handler.made).toBe(11);
    await peer.ask(3, whoAmI);
    const two = await askPage(peer, 4, search(), next(10, one.cookie));
    const three = await askPage(peer, 5, search(), next(10, two.cookie));
    expect([two.entries, three.entries, three.cookie]).toEqual([10, 5, Buffer.alloc(0)]);
    expect(handler.released).toBe(1);
  });

  it('ends without a cookie when its last page is full', async () => {
    handler.count = 10;
    const peer = await enter();
    expect(await askPage(peer, 2, search(), first(10))).toMatchObject({ entries: 10, cookie: Buffer.alloc(0) });
  });

  it('counts its size limit over all pages, and ignores pages that are larger than that', async () => {
    const peer = await enter();
    const limited = search({ sizeLimit: 15 });
    const one = await askPage(peer, 2, limited, first(10));
    const two = await askPage(peer, 3, limited, next(10, one.cookie));
    expect(two).toEqual({ resultCode: 4, entries: 5, cookie: Buffer.alloc(0) });
    expect(await askPage(peer, 4, limited, first(15))).toEqual({ resultCode: 4, entries: 15, cookie: undefined });
  });

  it('is given up by a page of no entries, and begins with none', async () => {
    handler.count = 25;
    const peer = await enter();
    const { cookie } = await askPage(peer, 2, search(), first(10));
    expect(await askPage(peer, 3, search(), next(0, cookie))).toEqual({
      resultCode: 0,
      entries: 0,
      cookie: Buffer.alloc(0),
    });
    expect(handler.released).toBe(1);
    expect(await askPage(peer, 4, search(), first(0))).toMatchObject({ resultCode: 0, entries: 25 });
  });

  it.each<[string, (peer: RawLdapPeer, cookie: Buffer) => Promise<unknown>, SearchRequest, number]>([
    ['another search', () => Promise.resolve(), search({ base: 'ou=people,dc=test' }), 53],
    [
      'after a bind',
      (peer) =>
        peer.ask(7, {
          kind: 'bind',
          version: 3,
          dn: '',
          authentication: { kind: 'simple', password: Buffer.alloc(0) },
        }),
      search(),
      53,
    ],
    ['a second time', (peer, cookie) => askPage(peer, 7, search(), next(10, cookie)), search(), 53],
  ])('refuses a cookie %s', async (_what, between, request, code) => {
    const peer = await enter();
    const { cookie = Buffer.alloc(0) } = await askPage(peer, 2, search(), first(10));
    await between(peer, cookie);
    expect(await askPage(peer, 9, request, next(10, cookie))).toMatchObject({ resultCode: code, entries: 0 });
  });

  it('refuses a control that cannot be read, and goes on', async () => {
    const peer = await enter();
    for (const value of [undefined, Buffer.from('x'), Buffer.from('3005020180040078', 'hex')]) {
      const control = { oid: Oid.pagedResults, critical: true, ...(value && { value }) };
      expect(
        await peer.ask(handler.made + peer.received.length + 10, search({ sizeLimit: 1 }), [control]),
      ).toMatchObject({
        resultCode: 2,
      });
    }
  });

  it('keeps no more than a few open, the latest', async () => {
    const peer = await enter();
    const cookies: (Buffer | undefined)[] = [];
    for (let id = 10; id < 15; id += 1) cookies.push((await askPage(peer, id, search(), first(1))).cookie);
    expect(handler.released).toBe(1);
    expect((await askPage(peer, 20, search(), next(1, cookies[0]))).resultCode).toBe(53);
    expect((await askPage(peer, 21, search(), next(1, cookies[4]))).resultCode).toBe(0);
    const gone = handler.departure();
    peer.send(22, { kind: 'unbind' });
    await gone;
    expect(handler.released).toBe(5);
  });
});
