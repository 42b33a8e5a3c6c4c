import { describe, expect, it } from 'vitest';
import { testEdgeSynchronization } from '../../../src/cmdlets/test-edge-synchronization.ts';
import { hashAddress } from '../../../src/directory/proxy-address.ts';
import { makeRecipient, type Recipient } from '../../../src/directory/recipient.ts';
import { importRecipients } from '../../../src/directory/recipient-import.ts';
import { getText, getValues } from '../../../src/ldap/entry.ts';
import type { SyncRequest } from '../../../src/edgesync/synchronizer.ts';
import { makeContext, runCmdlet } from '../../helpers/cmdlet-context.ts';
import { type BenchHub, SyncBench } from '../../helpers/sync-bench.ts';

const DAY_MS = 86_400_000;

function recipient(primaryAddress: string, ...otherAddresses: string[]): Recipient {
  return makeRecipient({ primaryAddress, otherAddresses });
}

async function subscribed(...people: Recipient[]): Promise<{ bench: SyncBench; hub: BenchHub }> {
  const bench = await SyncBench.open();
  const hub = await bench.addHub();
  for (const person of people) await hub.ad.recipients.add(person);
  await bench.subscribe(hub);
  return { bench, hub };
}

/** Hashes on the Edge as hexadecimal texts, those of one recipient in a line. */
async function onEdge({ adamDirectory, adam }: SyncBench): Promise<string[]> {
  const filter = '(objectClass=msExchRecipient)';
  const found = await adamDirectory.search({ base: adam.layout.recipients, scope: 'one', filter });
  return found.map((entry) => hexOf(getValues(entry, 'msExchEdgeProxyAddressHash'))).toSorted(byText);
}

function hexOf(hashes: readonly Buffer[]): string {
  return hashes
    .map((hash) => hash.toString('hex'))
    .toSorted(byText)
    .join(' ');
}

function byText(a: string, b: string): number {
  return a < b ? -1 : 1;
}

function hashed(...people: (readonly string[])[]): string[] {
  return people.map((addresses) => hexOf(addresses.map(hashAddress))).toSorted(byText);
}

async function sync(hub: BenchHub, request: SyncRequest = {}) {
  const reports = await hub.synchronizer.synchronize(request);
  return reports.find(({ type }) => type === 'Recipients');
}

describe('recipients', () => {
  it('come to the Edge as hashes alone, each under the GUID that AD knows it by', async () => {
    const { bench, hub } = await subscribed(recipient('Ed@contoso.com', 'meadows@contoso.com'));
    await using _bench = bench;
    expect(await onEdge(bench)).toEqual(hashed(['ed@contoso.com', 'meadows@contoso.com']));
    const { record } = await hub.ad.recipients.find('ed@contoso.com');
    const base = `CN=${record.guid},${bench.adam.layout.recipients}`;
    const [entry] = await bench.adamDirectory.search({ base, scope: 'base' });
    expect([...(entry?.attributes.keys() ?? [])].toSorted(byText)).toEqual([
      'cn',
      'msExchEdgeProxyAddressHash',
      'objectClass',
    ]);
    expect(entry && getText(entry, 'cn')).toBe(record.guid);
  });

  it('that the outside may not write to are kept from it, also when they become so', async () => {
    const hidden = { ...recipient('hidden@contoso.com'), requireSenderAuthentication: true };
    const { bench, hub } = await subscribed(hidden, recipient('ed@contoso.com'));
    await using _bench = bench;
    expect(await onEdge(bench)).toEqual(hashed(['ed@contoso.com']));
    const { ad } = hub;
    await ad.recipients.replace('ed@contoso.com', {
      ...recipient('ed@contoso.com'),
      requireSenderAuthentication: true,
    });
    await ad.recipients.replace('hidden@contoso.com', recipient('hidden@contoso.com'));
    expect(await sync(hub)).toMatchObject({ result: 'Success', added: 1, deleted: 1, updated: 0 });
    expect(await onEdge(bench)).toEqual(hashed(['hidden@contoso.com']));
  });

  it('follow what was made, changed, renamed and removed since the round before, and nothing else is looked at', async () => {
    const people = Array.from({ length: 40 }, (_none, index) => recipient(`p${index}@contoso.com`));
    const { bench, hub } = await subscribed(...people);
    await using _bench = bench;
    const { recipients } = hub.ad;
    await recipients.add(recipient('new@contoso.com'));
    await recipients.replace('p1@contoso.com', recipient('p1@contoso.com', 'alias@contoso.com'));
    await recipients.replace('p2@contoso.com', { ...recipient('p2@contoso.com'), name: 'Two' });
    await recipients.remove('p3@contoso.com');
    await recipients.add(recipient('brief@contoso.com'));
    await recipients.remove('brief@contoso.com');
    const before = bench.cookie('Recipients')?.version ?? 0;
    expect(await sync(hub)).toMatchObject({ result: 'Success', added: 1, updated: 1, deleted: 1, scanned: 3 });
    const left = people.slice(4).map(({ name }) => [name]);
    const first = ['p0@contoso.com', 'p2@contoso.com', 'new@contoso.com'].map((name) => [name]);
    expect(await onEdge(bench)).toEqual(hashed(...left, ...first, ['p1@contoso.com', 'alias@contoso.com']));
    expect(bench.cookie('Recipients')?.version).toBe(before + 1);
    expect(await sync(hub)).toMatchObject({ result: 'Success', added: 0, updated: 0, deleted: 0, scanned: 0 });
  });

  it('are compared whole when that is asked for, and put right', async () => {
    const { bench, hub } = await subscribed(recipient('ed@contoso.com'), recipient('jo@contoso.com'));
    await using _bench = bench;
    const parent = bench.adam.layout.recipients;
    const { record } = await hub.ad.recipients.find('ed@contoso.com');
    const stray = new Map([['objectClass', [Buffer.from('msExchRecipient')]]]);
    await bench.adamDirectory.apply([
      { kind: 'delete', dn: `CN=${record.guid},${parent}` },
      { kind: 'add', dn: `CN=11111111-2222-4333-8444-555555555555,${parent}`, attributes: stray },
    ]);
    expect(await sync(hub)).toMatchObject({ scanned: 0, added: 0 });
    expect(await sync(hub, { forceFullSync: true })).toMatchObject({
      scanned: 2,
      added: 1,
      deleted: 1,
      targetScanned: 2,
    });
    expect(await onEdge(bench)).toEqual(hashed(['ed@contoso.com'], ['jo@contoso.com']));
  });

  it('are compared whole when AD has forgotten what changed since', async () => {
    const { bench, hub } = await subscribed(recipient('ed@contoso.com'), recipient('jo@contoso.com'));
    await using _bench = bench;
    await hub.ad.recipients.remove('ed@contoso.com');
    bench.clock.move(61 * DAY_MS);
    // Whatever is written now lets go of what was deleted so long ago.
    await hub.ad.recipients.add(recipient('new@contoso.com'));
    expect(await sync(hub)).toMatchObject({ result: 'Success', added: 1, deleted: 1, scanned: 2 });
    expect(await onEdge(bench)).toEqual(hashed(['jo@contoso.com'], ['new@contoso.com']));
  });

  it('are compared whole in every round where AD keeps no change feed', async () => {
    const { bench, hub } = await subscribed(recipient('ed@contoso.com'), recipient('jo@contoso.com'));
    await using _bench = bench;
    hub.ad.recipients.readChanges = () => Promise.resolve(undefined);
    await hub.ad.recipients.remove('ed@contoso.com');
    await hub.ad.recipients.replace('jo@contoso.com', recipient('jo@contoso.com', 'j@contoso.com'));
    expect(await sync(hub)).toMatchObject({ scanned: 1, deleted: 1, updated: 1 });
    expect(await onEdge(bench)).toEqual(hashed(['jo@contoso.com', 'j@contoso.com']));
    expect(await sync(hub)).toMatchObject({ scanned: 1, deleted: 0, updated: 0 });
  });

  it('come by the thousand in one transaction, and mixed with changes while they are read', async () => {
    const bench = await SyncBench.open();
    await using _bench = bench;
    const hub = await bench.addHub();
    const people = Array.from({ length: 2000 }, (_none, index) => recipient(`p${index}@contoso.com`));
    const imported = people.map((value) => ({ recipient: value, place: value.name }));
    await importRecipients(hub.ad.recipients, imported, { dryRun: false, progress: () => undefined });
    const { recipients } = hub.ad;
    const readChanges = recipients.readChanges.bind(recipients);
    let pages = 0;
    recipients.readChanges = async (since, limit) => {
      const page = await readChanges(since, limit);
      pages += 1;
      if (pages === 2) {
        await recipients.remove('p0@contoso.com');
        await recipients.remove('p1999@contoso.com');
        await recipients.replace('p1@contoso.com', recipient('p1@contoso.com', 'alias@contoso.com'));
        await recipients.replace('p1998@contoso.com', {
          ...recipient('p1998@contoso.com'),
          requireSenderAuthentication: true,
        });
        await recipients.add(recipient('new@contoso.com'));
      }
      return page;
    };
    const reports = await bench.subscribe(hub);
    expect(reports.map(({ result }) => result)).toEqual(['Success', 'Success']);
    recipients.readChanges = readChanges;
    await sync(hub);
    const wanted = [
      ...people.slice(2, 1998).map(({ name }) => [name]),
      ['p1@contoso.com', 'alias@contoso.com'],
      ['new@contoso.com'],
    ];
    expect(await onEdge(bench)).toEqual(hashed(...wanted));
  });
});

describe('Test-EdgeSynchronization', () => {
  async function verify({ bench, hub }: { bench: SyncBench; hub: BenchHub }, typed: Record<string, string>) {
    const context = makeContext({
      clock: bench.clock,
      hub: { activeDirectory: hub.ad, synchronizer: hub.synchronizer },
    });
    const { records } = await runCmdlet(testEdgeSynchronization, context, typed);
    return records[0];
  }

  it('verifies one recipient, and names what is different about it', async () => {
    const opened = await subscribed(recipient('ed@contoso.com', 'old@contoso.com'));
    const { bench, hub } = opened;
    await using _bench = bench;
    const VerifyRecipient = 'ed@contoso.com';
    const skipped = { AcceptedDomainStatus: 'Skipped', SendConnectorStatus: 'Skipped' };
    const good = { SyncStatus: 'Normal', RecipientStatus: 'Synchronized', DifferenceCount: 0, ...skipped };
    expect(await verify(opened, { VerifyRecipient })).toMatchObject(good);
    await hub.ad.recipients.replace('ed@contoso.com', recipient('ed@contoso.com', 'new@contoso.com'));
    expect(await verify(opened, { VerifyRecipient })).toMatchObject({
      SyncStatus: 'Inconclusive',
      RecipientStatus: 'NotSynchronized',
      Differences: [
        'the recipient "ed@contoso.com" has other addresses in AD than on EDGE01: 1 missing there, 1 too many',
      ],
    });
    await sync(hub);
    expect(await verify(opened, { VerifyRecipient })).toMatchObject(good);
    const { record } = await hub.ad.recipients.find(VerifyRecipient);
    await bench.adamDirectory.apply([{ kind: 'delete', dn: `CN=${record.guid},${bench.adam.layout.recipients}` }]);
    expect(await verify(opened, { VerifyRecipient })).toMatchObject({
      SyncStatus: 'Failed',
      Differences: ['the recipient "ed@contoso.com" is in AD and missing on EDGE01'],
    });
    expect(await verify(opened, { VerifyRecipient: 'nobody@contoso.com' })).toMatchObject({
      SyncStatus: 'Failed',
      FailureDetail: expect.stringMatching(/no recipient "nobody@contoso.com"/),
    });
  });

  it('compares recipients with everything else, and counts what is not named', async () => {
    const opened = await subscribed(...['a', 'b', 'c'].map((name) => recipient(`${name}@contoso.com`)));
    const { bench } = opened;
    await using _bench = bench;
    const filter = '(objectClass=msExchRecipient)';
    const held = await bench.adamDirectory.search({ base: bench.adam.layout.recipients, scope: 'one', filter });
    await bench.adamDirectory.apply(held.map(({ dn }) => ({ kind: 'delete', dn })));
    expect(await verify(opened, { FullCompareMode: 'true', MaxReportSize: '2' })).toMatchObject({
      SyncStatus: 'Failed',
      RecipientStatus: 'NotSynchronized',
      AcceptedDomainStatus: 'Synchronized',
      DifferenceCount: 3,
      Differences: [
        expect.stringMatching(/is in AD and missing in ADAM/),
        expect.stringMatching(/is in AD and missing/),
      ],
    });
  });
});
