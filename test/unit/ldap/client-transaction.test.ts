// When the end of a transaction is sent: a server that works on requests side by side is left some time with the last of them.

import { describe, expect, it } from 'vitest';
import type { ClientConnection, ClientRequest, LdapAnswer } from '../../../src/ldap/client-connection.ts';
import { applyAsTransaction } from '../../../src/ldap/client-transaction.ts';
import { Oid } from '../../../src/ldap/control.ts';
import type { LdapEntry, LdapOperation } from '../../../src/ldap/entry.ts';
import { ResultCode } from '../../../src/ldap/result.ts';

const UPDATES: LdapOperation[] = ['cn=a', 'cn=b', 'cn=c'].map((dn) => ({ kind: 'delete', dn }));

interface Heard {
  readonly what: string;
  readonly atMs: number;
  readonly answeredMs: number;
}

/** A server that answers each request after a turn of the event loop; the third update with `third`. */
class Peer {
  readonly heard: Heard[] = [];
  readonly isOpen = true;
  readonly #vendor: string;
  readonly #third: number;

  constructor(vendor: string, third: number = ResultCode.success) {
    this.#vendor = vendor;
    this.#third = third;
  }

  async request(request: ClientRequest): Promise<LdapAnswer> {
    const what = describeRequest(request);
    const atMs = performance.now();
    await new Promise((resolve) => void setImmediate(resolve));
    const messageId = this.heard.push({ what, atMs, answeredMs: performance.now() });
    const resultCode = what === 'cn=c' ? this.#third : ResultCode.success;
    const result = { resultCode, matchedDn: '', diagnosticMessage: '', referrals: [] };
    const entries: LdapEntry[] =
      request.kind === 'search' ? [{ dn: '', attributes: new Map([['vendorName', [Buffer.from(this.#vendor)]]]) }] : [];
    return { messageId, result, entries, controls: [] };
  }

  apply(): Promise<void> {
    return applyAsTransaction(this as unknown as ClientConnection, UPDATES);
  }

  names(): string[] {
    return this.heard.map(({ what }) => what);
  }

  /** Between the last answer before the end of the transaction and that end. */
  pauseMs(): number {
    const place = this.heard.findIndex(({ what }) => what === 'end');
    return (this.heard[place]?.atMs ?? 0) - (this.heard[place - 1]?.answeredMs ?? 0);
  }

  /** Of the updates, how many were sent before the first was answered. */
  sentAtOnce(): number {
    const updates = this.heard.filter(({ what }) => what.startsWith('cn='));
    return updates.filter(({ atMs }) => atMs <= (updates[0]?.answeredMs ?? 0)).length;
  }
}

function describeRequest(request: ClientRequest): string {
  if (request.kind === 'update') return request.operation.dn;
  if (request.kind === 'extended') return request.oid === Oid.startTransaction ? 'start' : 'end';
  return request.kind;
}

describe('a transaction at a server of another kind', () => {
  it('ends a while after the last update was answered, and takes one update after the other', async () => {
    const slapd = new Peer('somebody else');
    await slapd.apply();
    expect(slapd.names()).toEqual(['search', 'start', 'cn=a', 'cn=b', 'cn=c', 'end']);
    expect(slapd.sentAtOnce()).toBe(1);
    expect(slapd.pauseMs()).toBeGreaterThan(40);
  });

  it('is broken off no sooner', async () => {
    const slapd = new Peer('somebody else', ResultCode.busy);
    await expect(slapd.apply()).rejects.toMatchObject({ failedOperation: 2 });
    expect(slapd.names().at(-1)).toBe('end');
    expect(slapd.pauseMs()).toBeGreaterThan(40);
  });

  it('asks only once on a connection who answers', async () => {
    const slapd = new Peer('somebody else');
    await slapd.apply();
    await slapd.apply();
    expect(slapd.names().filter((name) => name === 'search')).toHaveLength(1);
  });
});

describe('a transaction at a server of ours', () => {
  it('has its updates on their way together', async () => {
    const own = new Peer('relaypair');
    await own.apply();
    expect(own.names()).toEqual(['search', 'start', 'cn=a', 'cn=b', 'cn=c', 'end']);
    expect(own.sentAtOnce()).toBe(3);
  });
});
