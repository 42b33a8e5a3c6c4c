// Nodes of one spool: who is there, what each of them says, and how one is told to stand aside from any of them.

import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { getNode } from '../../src/cmdlets/get-node.ts';
import { resumeNode } from '../../src/cmdlets/resume-node.ts';
import type { NodeState, ServerContext } from '../../src/cmdlets/server-context.ts';
import { suspendNode } from '../../src/cmdlets/suspend-node.ts';
import { parseConfig } from '../../src/config.ts';
import { SystemClock } from '../../src/clock.ts';
import type { ReplicaPosition } from '../../src/directory/replica-position.ts';
import { EmbeddedSpool } from '../../src/spool/embedded-spool.ts';
import { beginDuty } from '../../src/node-duty.ts';
import type { Spool, SpoolOptions } from '../../src/spool/spool.ts';
import { readReadiness } from '../../src/web/readiness.ts';
import { makeContext, rows, runCmdlet } from '../helpers/cmdlet-context.ts';
import { hasPostgres } from '../helpers/postgres.ts';
import { TESTED_SPOOLS, withTestDatabase } from '../helpers/spool-backends.ts';
import { claimAll, makeFolder, removeFolder, spoolOptions, storeMessage } from '../helpers/spool-fixtures.ts';
import { useSpoolServer } from '../helpers/spool-server.ts';
import { waitUntil } from '../helpers/wait.ts';

/** A server reduced to its part among the nodes. */
interface Member {
  readonly spool: Spool;
  readonly context: ServerContext;
  /** What its queue was told. */
  readonly told: string[];
  readonly events: string[];
  state(): NodeState;
}

interface JoinOptions {
  readonly role?: 'hub' | 'edge';
  readonly folder?: string;
  /** Asked at each beat. */
  readonly position?: () => ReplicaPosition;
  readonly clock?: SystemClock;
}

let folders: string[];
let spools: Spool[];
let postgres: SpoolOptions['postgres'];

beforeEach(() => {
  folders = [];
  spools = [];
  postgres = undefined;
});
afterEach(async () => {
  for (const spool of spools) await spool.close().catch(() => undefined);
  for (const folder of folders) removeFolder(folder);
});

function newFolder(): string {
  folders.push(makeFolder());
  return folders.at(-1) ?? '';
}

describe.skipIf(!hasPostgres())('nodes of a spool on PostgreSQL', () => {
  useSpoolServer();

  async function join(
    name: string,
    { role = 'hub', folder = newFolder(), position, clock = new SystemClock() }: JoinOptions = {},
  ): Promise<Member> {
    const own = withTestDatabase(spoolOptions(folder), { lease: 20_000 });
    postgres ??= own.postgres;
    const backend = TESTED_SPOOLS.find((each) => each.name === 'postgres');
    const spool = await backend?.open({ ...own, name, ...(postgres && { postgres }) });
    if (!spool) throw new Error('no spool on PostgreSQL');
    spools.push(spool);
    const config = parseConfig(`{ role: ${role}, fqdn: ${name.toLowerCase()}.contoso.test }`, '/etc/test.yaml');
    const told: string[] = [];
    const events: string[] = [];
    const directoryStatus = () => ({
      backend: 'ldap',
      server: 'dc01.contoso.test:636',
      servers: [],
      namingContext: '',
      lastReadAt: undefined,
      position: position?.(),
      stale: undefined,
    });
    const state = beginDuty(
      {
        spool,
        clock,
        config,
        version: '1.2.3',
        events: { record: ({ symbolicName }) => void events.push(symbolicName) } as ServerContext['events'],
        parts: { add: () => undefined } as never,
      },
      {
        queue: {
          start: () => void told.push('start'),
          standAside: async () => void told.push('aside'),
          comeBack: () => void told.push('back'),
        },
        sessions: () => 7,
        directoryStatus,
      },
    );
    const context = makeContext({
      ...{ spool, config, clock, directoryStatus, nodeState: state },
      resources: { states: () => [] } as never,
      certificates: { internalTransport: () => undefined } as never,
    });
    return { spool, context, told, events, state };
  }

  async function look(at: Member, ...properties: string[]): Promise<string[]> {
    return rows((await runCmdlet(getNode, at.context)).records, ...properties);
  }

  it('shows who is up, what each of them holds and what it says of itself, and what nobody holds', async () => {
    const [one, two] = [await join('HUB01'), await join('HUB02')];
    for (let number = 0; number < 3; number++) await storeMessage(one.spool, Buffer.from('x'));
    expect(await claimAll(two.spool)).toHaveLength(3);
    await waitUntil('both reports', async () => (await look(one, 'Version')).every((version) => version === '1.2.3'));
    expect(await look(one, 'Name', 'State', 'Messages', 'Sessions', 'DirectoryState')).toEqual([
      'HUB01 | Up | 0 | 7 | Unknown',
      'HUB02 | Up | 3 | 7 | Unknown',
    ]);
    await storeMessage(one.spool, Buffer.from('free'));
    const { notices } = await runCmdlet(getNode, two.context, { Identity: 'hub02' });
    expect(notices).toEqual(['Messages that no node holds: 1.']);
  });

  it('has a node stand aside and come back by the word of another, at once, with events and a readiness that says so', async () => {
    const [one, two] = [await join('HUB01'), await join('HUB02')];
    const said = await runCmdlet(suspendNode, one.context, { Identity: 'HUB02' });
    expect(said.warnings).toBeUndefined();
    await waitUntil('HUB02 to be drained', () => two.events.includes('NodeDrained'));
    await waitUntil('the others to see it', async () => (await look(one, 'State'))[1] === 'Suspended');
    expect([one.told, two.told]).toEqual([['start'], ['start', 'aside']]);
    expect(await look(one, 'Name', 'State', 'SuspendedBy')).toEqual(['HUB01 | Up | ', 'HUB02 | Suspended | HUB01']);
    expect(readReadiness(two.context)).toMatchObject({ isReady: false, reasons: [{ code: 'node-suspended' }] });
    expect(readReadiness(one.context)).toMatchObject({ isReady: true });
    const last = await runCmdlet(suspendNode, two.context, { Identity: 'hub01' });
    expect(last.warnings).toEqual(['no node of this spool takes mail now']);
    await waitUntil('HUB01 to stand aside too', () => one.told.includes('aside'));
    for (const Identity of ['HUB01', 'HUB02']) await runCmdlet(resumeNode, two.context, { Identity });
    await waitUntil('both to be back', () => [one, two].every(({ told }) => told.at(-1) === 'back'));
    expect(two.events).toEqual(['NodeSuspended', 'NodeDrained', 'NodeResumed']);
    expect(readReadiness(two.context)).toMatchObject({ isReady: true });
    expect((await look(one, 'State')).includes('Suspended')).toBe(false);
  });

  it('keeps the wish while a node is down, and starts it suspended', async () => {
    const folder = newFolder();
    const [one, two] = [await join('HUB01', { folder: newFolder() }), await join('HUB02', { folder })];
    await runCmdlet(suspendNode, two.context, { Identity: 'HUB02' });
    await waitUntil('HUB02 to be drained', () => two.state().stage === 'drained');
    await two.spool.close();
    expect(await look(one, 'Name', 'State')).toEqual(['HUB01 | Up', 'HUB02 | Down']);
    const again = await join('HUB02', { folder });
    expect([again.told, again.events, again.state().stage]).toEqual([['aside'], ['NodeSuspended'], 'drained']);
    expect(again.spool.nodes?.suspendedBy).toBe('HUB02');
    await again.spool.close();
    await runCmdlet(resumeNode, one.context, { Identity: 'HUB02' });
    expect(await look(one, 'Name', 'State')).toEqual(['HUB01 | Up']);
    expect((await join('HUB02', { folder })).told).toEqual(['start']);
  });

  it('says it of a node that lacks changes of the directory which others have, and when it has them', async () => {
    const clock = new SystemClock();
    let own = '0001';
    const [one, two] = [
      await join('HUB01', { position: () => new Map([['001', '0002']]) }),
      await join('HUB02', { position: () => new Map([['001', own]]), clock }),
    ];
    await waitUntil('HUB02 to know of HUB01', () => (two.spool.nodes?.others[0]?.position?.['001'] ?? '') === '0002');
    two.spool.nodes?.reportSoon();
    await waitUntil('the others to see HUB02', async () => (await look(one, 'DirectoryState'))[1] === 'Current');
    clock.run({ offsetMs: 5 * 60_000, speed: 1, since: new Date() });
    const heard = (event: string) =>
      waitUntil(event, () => {
        two.spool.nodes?.reportSoon();
        return two.events.includes(event);
      });
    await heard('NodeBehind');
    await waitUntil('HUB01 to see it', async () => (await look(one, 'DirectoryState')).join() === 'Current,Behind');
    expect(readReadiness(two.context).warnings).toMatchObject([{ code: 'node-behind' }, {}]);
    own = '0002';
    await heard('NodeCaughtUp');
    expect(one.events).toEqual([]);
  });

  it('says it of an Edge when EdgeSync has brought others more for longer than its rounds are apart, or has not come at all', async () => {
    const clock = new SystemClock();
    const carried = (change: string) => new Map([['Configuration/001', change]]);
    const edge = { role: 'edge', clock } as const;
    const one = await join('EDGE01', { ...edge, position: () => carried('0002') });
    await join('EDGE02', { ...edge, position: () => carried('0001') });
    await join('EDGE03', { ...edge, position: () => new Map() });
    const looks = () =>
      Promise.all(
        spools.map(({ nodes }) => {
          const { promise, resolve } = Promise.withResolvers<void>();
          const cancel = nodes?.onLook(resolve);
          nodes?.reportSoon();
          return promise.then(cancel);
        }),
      );
    /** What is found by one look is said with the next. */
    const states = async (minutes: number) => {
      clock.run({ offsetMs: minutes * 60_000, speed: 1, since: new Date() });
      for (let number = 0; number < 3; number += 1) await looks();
      return look(one, 'DirectoryState');
    };
    expect(await states(0)).toEqual(['Current', 'Current', 'Unknown']);
    expect(await states(14)).toEqual(['Current', 'Current', 'Unknown']);
    expect(await states(16)).toEqual(['Current', 'Behind', 'Behind']);
    expect(one.events).toEqual([]);
  });

  it('counts mail of a failover on purpose exactly, whoever accepted, delivered or lost it', async () => {
    const [one, two] = [await join('HUB01'), await join('HUB02')];
    const [first, second] = [one.spool.nodes?.drills, two.spool.nodes?.drills];
    if (!first || !second) throw new Error('the spool has nodes');
    const id = await first.begin('HUB01');
    await expect(second.begin('HUB02')).rejects.toMatchObject({ code: 'drill-under-way' });
    const mails = [randomUUID(), randomUUID(), randomUUID(), randomUUID()] as const;
    const stored: number[] = [];
    for (const mail of mails) {
      const message = await storeMessage(one.spool, Buffer.from('x'));
      stored.push(message.id);
      await first.noteAccepted(id, mail, message.id);
    }
    // One is delivered, one twice, one is lost and one waits; and there is one of which nobody was told.
    const [once, twice] = mails;
    for (const mail of [once, twice]) expect(await first.noteDelivered(id, mail)).toBe(true);
    for (const mail of [twice, randomUUID()]) expect(await second.noteDelivered(id, mail)).toBe(true);
    await one.spool.settle(stored[2] ?? 0, { recipients: [{ index: 0, status: 'failed' }] });
    expect(await two.spool.claim({ owner: 'a', limit: 1, leaseMs: 60_000, latestFirst: true })).toMatchObject([
      { id: stored[3] },
    ]);
    expect(await second.count(id)).toEqual({
      ...{ accepted: 4, delivered: 2, duplicated: 1, waiting: 1, lost: 1, unacknowledged: 1 },
      nodes: [
        { name: 'HUB01', accepted: 4, delivered: 2, held: 0 },
        { name: 'HUB02', accepted: 0, delivered: 2, held: 1 },
      ],
    });
    const [row] = await look(one, 'Id').then((ids) => ids.slice(1));
    await first.conduct(id, { kill: Number(row), stage: 'flow' });
    expect([await first.current(), await second.current()]).toMatchObject([
      { isToDie: false, isGateOpen: true },
      { isToDie: true, isGateOpen: false },
    ]);
    await first.end(id);
    expect(await second.current()).toBeUndefined();
    expect(await second.noteDelivered(id, once)).toBe(false);
  });

  it('refuses a name that no node has, and one that two have', async () => {
    const one = await join('HUB01');
    await join('HUB01');
    const ask = (Identity: string) => runCmdlet(suspendNode, one.context, { Identity });
    await expect(ask('HUB09')).rejects.toMatchObject({ code: 'not-found' });
    await expect(ask('HUB01')).rejects.toMatchObject({ code: 'bad-value' });
    const [id = ''] = await look(one, 'Id');
    expect((await ask(id)).notices).toEqual(['HUB01 is suspended; Get-Node shows how far it has come.']);
  });
});

it('with an embedded spool there is one node, which nobody can suspend', async () => {
  const spool = await EmbeddedSpool.open(spoolOptions(newFolder()));
  spools.push(spool);
  await storeMessage(spool, Buffer.from('x'));
  const context = makeContext({
    ...{ spool, version: '1.2.3', startedMs: 0 },
    nodeState: () => ({ stage: 'active', sessions: 2 }),
    directoryStatus: () => ({ stale: undefined, position: new Map([['a', '7']]) }) as never,
  });
  const { records, notices } = await runCmdlet(getNode, context);
  expect(rows(records, 'Name', 'State', 'Messages', 'Sessions', 'Version', 'DirectoryState')).toEqual([
    'HUB01 | Up | 1 | 2 | 1.2.3 | Current',
  ]);
  expect(notices).toEqual([]);
  for (const cmdlet of [suspendNode, resumeNode]) {
    await expect(runCmdlet(cmdlet, context, { Identity: 'HUB01' })).rejects.toMatchObject({ code: 'spool-not-shared' });
  }
});
