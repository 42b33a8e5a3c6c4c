// What a directory on an LDAP server hears of changes that others make, on a clock that a test moves: the server is ours, with
// an entry in memory.

import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LdapDirectory } from '../../../src/directory/ldap-directory.ts';
import { connectLdap, type LdapClient } from '../../../src/ldap/client.ts';
import type { LdapEntry } from '../../../src/ldap/entry.ts';
import { toAttributes } from '../../../src/ldap/entry.ts';
import { LdapListener } from '../../../src/ldap/server.ts';
import { silentLog } from '../../../src/log.ts';
import { Problem } from '../../../src/problem.ts';
import type { KeyPair } from '../../../src/tls/key-pair.ts';
import { createSelfSigned } from '../../../src/tls/self-signed.ts';
import { HandClock } from '../../helpers/hand-clock.ts';
import { ADMIN, MemoryLdapHandler, PASSWORD } from '../../helpers/memory-ldap-handler.ts';
import { eventually } from '../../helpers/server-processes.ts';

const CONTEXT = 'dc=test';
const REFRESH_MS = 30_000;

let pair: KeyPair;
let handler: CountingHandler;
let listener: LdapListener;
let clock: HandClock;
const clients: LdapClient[] = [];
const directories: LdapDirectory[] = [];

/** Says how far it has come, when it is told to. */
class CountingHandler extends MemoryLdapHandler {
  usn: string | undefined;

  override rootDse(): LdapEntry {
    const { dn, attributes } = super.rootDse();
    const own = this.usn === undefined ? {} : { highestCommittedUSN: this.usn };
    return { dn, attributes: new Map([...attributes, ...toAttributes(own)]) };
  }
}

beforeAll(async () => {
  pair = await createSelfSigned({ netbiosName: 'DC01', fqdn: 'dc01.corp.test', notBefore: new Date() });
});

beforeEach(async () => {
  handler = new CountingHandler();
  clock = new HandClock();
  const security = { kind: 'tls', keyPair: () => pair } as const;
  listener = await LdapListener.open({ host: '127.0.0.1', port: 0, security, handler, log: silentLog() });
});

afterEach(async () => {
  for (const directory of directories.splice(0)) directory.close();
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await listener.close();
});

async function connect(): Promise<LdapClient> {
  const client = await connectLdap({ host: '127.0.0.1', port: listener.address.port, approve: () => undefined });
  await client.bindSimple(ADMIN, PASSWORD);
  clients.push(client);
  return client;
}

async function open(more: Partial<Parameters<typeof LdapDirectory.open>[0]> = {}): Promise<LdapDirectory> {
  const directory = await LdapDirectory.open({
    servers: [{ name: 'dc01', connect }],
    namingContext: '',
    clock,
    refreshMs: REFRESH_MS,
    ...more,
  });
  directories.push(directory);
  return directory;
}

/** Lets the interval pass and waits until the next one is planned: the asking is over then. */
async function ask(): Promise<void> {
  expect(clock.appointments).toBe(1);
  clock.advance(REFRESH_MS);
  await eventually('the next interval', () => (clock.appointments === 1 ? true : undefined));
}

describe('a directory on an LDAP server', () => {
  it('tells its listeners at each interval while the server does not say how far it has come', async () => {
    const directory = await open();
    let heard = 0;
    directory.onChange(() => (heard += 1));
    clock.advance(REFRESH_MS - 1);
    expect(heard).toBe(0);
    await ask();
    await ask();
    expect(heard).toBe(2);
  });

  it('tells them only of what is new where the server says how far it has come', async () => {
    handler.usn = '7';
    const directory = await open();
    await ask();
    await ask();
    let heard = 0;
    directory.onChange(() => (heard += 1));
    await ask();
    expect(heard).toBe(0);
    handler.usn = '8';
    await ask();
    expect(heard).toBe(1);
    // What the server says may have moved before the last part of a change could be read.
    await ask();
    expect(heard).toBe(2);
    await ask();
    expect(heard).toBe(2);
  });

  it('connects again after a break, and a search that met the break is asked again', async () => {
    const directory = await open();
    const search = () => directory.search({ base: CONTEXT, scope: 'base' });
    expect(await search()).toHaveLength(1);
    await clients.splice(0)[0]?.close();
    expect(await search()).toHaveLength(1);
    expect(handler.binds).toHaveLength(2);
  });

  it('looks soon after its connection has ended, not only after the interval', async () => {
    const directory = await open();
    let heard = 0;
    directory.onChange(() => (heard += 1));
    const departure = handler.departure();
    await clients.splice(0)[0]?.close();
    await departure;
    await eventually('a look', () => {
      clock.advance(1000);
      return heard > 0 ? true : undefined;
    });
  });

  it('opens without its server where the naming context is known, and finds it later', async () => {
    let isAway = true;
    const away = () => Promise.reject(new Error('away'));
    await expect(open({ servers: [{ name: 'dc01', connect: away }] })).rejects.toThrow('away');
    const directory = await open({
      servers: [{ name: 'dc01', connect: () => (isAway ? away() : connect()) }],
      lastNamingContext: CONTEXT,
    });
    expect(directory.namingContext).toBe(CONTEXT);
    await expect(directory.search({ base: CONTEXT, scope: 'base' })).rejects.toThrow('away');
    isAway = false;
    expect(await directory.search({ base: CONTEXT, scope: 'base' })).toHaveLength(1);
  });

  it('tries again when the first connection breaks before anything was said', async () => {
    let breaks = 2;
    const connectOrBreak = (): Promise<LdapClient> =>
      breaks-- > 0 ? Promise.reject(new Problem('ldap-unreachable', 'dc01 closed the LDAP connection')) : connect();
    const directory = await open({ servers: [{ name: 'dc01', connect: connectOrBreak }] });
    expect(directory.namingContext).toBe(CONTEXT);
    breaks = Number.POSITIVE_INFINITY;
    await expect(open({ servers: [{ name: 'dc01', connect: connectOrBreak }] })).rejects.toThrow('dc01 closed');
  });

  it('takes a naming context below one of the server, and no other', async () => {
    expect((await open({ namingContext: 'OU=people,DC=test' })).namingContext).toBe('OU=people,DC=test');
    await expect(open({ namingContext: 'dc=elsewhere' })).rejects.toMatchObject({
      code: 'ldap-no-context',
      message: expect.stringContaining('only dc=test'),
    });
  });

  it('takes changes that are asked for at the same time one after the other', async () => {
    const directory = await open();
    const add = (name: string) =>
      ({ kind: 'add', dn: `cn=${name},dc=test`, attributes: toAttributes({ objectClass: 'top', cn: name }) }) as const;
    await Promise.all([directory.apply([add('a'), add('b')]), directory.apply([add('c'), add('d')])]);
    expect(handler.applied).toEqual([2, 2]);
  });

  it('does not move an entry as one of several changes, which would end slapd', async () => {
    const directory = await open();
    const move = { kind: 'rename', dn: 'ou=people,dc=test', newRdn: 'ou=p', deleteOldRdn: true } as const;
    const away = { ...move, newSuperior: 'dc=test' };
    const other = { kind: 'delete', dn: 'cn=x,dc=test' } as const;
    await expect(directory.apply([other, away])).rejects.toMatchObject({
      code: 'ldap-unwilling-to-perform',
      failedOperation: 1,
    });
    expect(handler.applied).toEqual([]);
  });
});
