// Fault: a server of the pair has another certificate than the one on record. Mail waits in both directions and bounces in none;
// the cure makes it flow without a restart. And what is done to subscription files does no harm to a pair that works.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isProblem } from '../../src/problem.ts';
import { type Direction, DIRECTIONS, Relaying, TRUSTED_TLS } from '../helpers/relaying.ts';
import type { Role } from '../helpers/servers.ts';

const FLOWING = { outbound: TRUSTED_TLS, inbound: TRUSTED_TLS };
const SITE = ['-Site', 'Default-First-Site-Name'];

interface Renewal {
  readonly role: Role;
  /** Why mail waits in each direction meanwhile. */
  readonly waits: Record<Direction, string>;
  readonly cure: (relaying: Relaying) => Promise<void>;
}

const RENEWALS: readonly Renewal[] = [
  {
    role: 'hub',
    waits: { outbound: 'authentication-refused', inbound: 'certificate-not-trusted' },
    cure: (relaying) => relaying.synchronize(),
  },
  {
    role: 'edge',
    waits: { outbound: 'certificate-not-trusted', inbound: 'authentication-refused' },
    cure: ({ servers }) => servers.subscribe(),
  },
];

const LIMIT = { timeout: 360_000 };

/** One pair for all tests but the last, each of which leaves it working. */
let relaying: Relaying;
beforeAll(async () => {
  relaying = await Relaying.start();
}, LIMIT.timeout);
afterAll(() => relaying?.[Symbol.asyncDispose]());

it(
  'a new Edge certificate stops EdgeSync before the password leaves, until it is subscribed again',
  LIMIT,
  async () => {
    const { servers } = relaying;
    await servers.ask('edge', 'New-ExchangeCertificate');
    const { code, stdout } = await servers.run('hub', 'Start-EdgeSynchronization', '--json');
    expect(code).toBe(1);
    const stopped = {
      Result: 'Aborted',
      FailureDetails: expect.stringMatching(/not the one of its Edge Subscription/),
    };
    expect(JSON.parse(stdout)).toEqual(
      ['Configuration', 'Recipients'].map((Type) => expect.objectContaining({ Type, ...stopped })),
    );
    expect(await servers.ask('hub', 'Get-EventLog', { EventId: '10104' })).toHaveLength(1);
    await servers.subscribe();
    await relaying.synchronize();
  },
);

it.each(RENEWALS)('with a new $role certificate mail waits both ways until it is known', LIMIT, async (renewal) => {
  const { servers } = relaying;
  const pids = [servers.pid('hub'), servers.pid('edge')];
  expect(await relaying.exchangeLetters('before')).toMatchObject(FLOWING);
  await servers.ask(renewal.role, 'New-ExchangeCertificate');

  const waiting = await Promise.all(
    DIRECTIONS.map(async (direction) => {
      const letter = await relaying.sendLetter(direction, `waits ${direction}`);
      const card = await relaying.awaitHopCard(direction, letter, 'deferred');
      expect(card, direction).toMatchObject({ channel: 'none', reason: renewal.waits[direction] });
      return { direction, letter };
    }),
  );
  for (const { direction, letter } of waiting) expect(relaying.countArrivals(direction, letter)).toBe(0);

  await renewal.cure(relaying);
  for (const { direction, letter } of waiting) {
    await relaying.awaitArrival(direction, letter);
    expect(await relaying.awaitHopCard(direction, letter, 'delivered')).toMatchObject(TRUSTED_TLS);
  }
  expect(await relaying.exchangeLetters('after')).toMatchObject(FLOWING);
  await relaying.awaitEmptyQueues();
  for (const { direction, letter } of waiting) expect(relaying.countArrivals(direction, letter)).toBe(1);
  expect(await relaying.reports()).toEqual([]);
  expect([servers.pid('hub'), servers.pid('edge')]).toEqual(pids);
});

it('exporting the subscription of a working Edge again stops no mail and no synchronization', LIMIT, async () => {
  await exportAgain();
  expect(await relaying.exchangeLetters('after the export')).toMatchObject(FLOWING);
  await relaying.synchronize();
  const again = await exportAgain();
  expect(await relaying.exchangeLetters('after another one')).toMatchObject(FLOWING);
  await importAgain(again);
  expect(await relaying.exchangeLetters('after its import')).toMatchObject(FLOWING);
});

describe('a subscription file that is not to be trusted', () => {
  /** What is done to a fresh export. */
  const TAMPERINGS: Record<string, (xml: string) => string> = {
    'cut in the middle': (xml) => xml.slice(0, xml.length / 2),
    'with nonsense for a certificate': (xml) => xml.replace(/(<EdgeCertificateBlob>)..../, '$1AAAA'),
    'with another key in the certificate': (xml) => xml.replace(/(<EdgeCertificateBlob>.{500})..../, '$1AAAA'),
    'with another signature on the certificate': (xml) => xml.replace(/....(.{80}<\/EdgeCertificateBlob>)/, 'AAAA$1'),
    'with a duration of a week': (xml) => xml.replace(/<Duration>\d+</, '<Duration>6048000000000<'),
    'with an element more': (xml) => xml.replace('<AdamSslPort>', '<Extra>1</Extra><AdamSslPort>'),
    'with an entity': (xml) => xml.replace(/(<\?xml.*\?>)/, '$1<!DOCTYPE x [<!ENTITY a "b">]>'),
    'from two days ago': (xml) =>
      xml.replace(
        /<EffectiveDate>(\d+)</,
        (_whole, ticks: string) => `<EffectiveDate>${BigInt(ticks) - 1_728_000_000_000n}<`,
      ),
  };

  it('is refused in one sentence, and mail flows on', LIMIT, async () => {
    const { servers } = relaying;
    const before = await servers.ask('hub', 'Get-EdgeSubscription');
    const fresh = await exportAgain();
    for (const [name, tamper] of Object.entries(TAMPERINGS)) {
      const text = tamper(fresh);
      expect(text, name).not.toBe(fresh);
      await expectRefusal(text, name);
    }
    expect(await servers.ask('hub', 'Get-EdgeSubscription')).toEqual(before);
    expect(await relaying.exchangeLetters('after all that')).toMatchObject(FLOWING);
    await relaying.synchronize();
  });

  it('is refused by the command on stderr, with exit code 1', LIMIT, async () => {
    const { servers } = relaying;
    writeFileSync(join(servers.folder, 'tampered.xml'), (await exportAgain()).replace('<AdamSslPort>', '<Extra>'));
    const ran = await servers.run('hub', 'New-EdgeSubscription', '-FileName', 'tampered.xml', ...SITE);
    expect(ran).toEqual({ code: 1, stdout: '', stderr: expect.stringMatching(/^relaypair: [^\n]+\n$/) });
  });

  it('is refused when it is older than what is on record, or was used before', LIMIT, async () => {
    const older = await exportAgain();
    const newer = await exportAgain();
    await importAgain(newer);
    await expectRefusal(older, 'an older file');
    await expectRefusal(newer, 'the newer file twice');
    expect(await relaying.exchangeLetters('after all that')).toMatchObject(FLOWING);
    await relaying.synchronize();
  });

  it('is refused when its certificate is not the one that the person expects', LIMIT, async () => {
    await expectRefusal(await exportAgain(), 'another thumbprint', { Thumbprint: '0'.repeat(64) });
    expect(await relaying.exchangeLetters('after all that')).toMatchObject(FLOWING);
  });
});

it('a subscription file with a password that does not work stops no mail, not even in clear', LIMIT, async () => {
  await using expired = await Relaying.start({ clocks: { hub: '-400d', edge: '-400d' } });
  const { servers } = expired;
  const fresh = await exportAgain(expired);
  const tampered = fresh.replace(/(<ESRAPassword>)[^<]{4}/, '$1AAAA');
  expect(tampered).not.toBe(fresh);
  writeFileSync(join(servers.folder, 'tampered.xml'), tampered);
  const imported = await servers.run('hub', 'New-EdgeSubscription', '-FileName', 'tampered.xml', ...SITE);
  expect(imported.stderr).toMatch(/the first synchronization failed/);
  const inClear = { channel: 'plaintext', protection: 'authenticated-not-protected', outcome: 'delivered' };
  expect(await expired.exchangeLetters('in clear')).toMatchObject({ outbound: inClear, inbound: inClear });
});

/** What the Edge exports now. */
async function exportAgain({ servers } = relaying): Promise<string> {
  const { files } = await servers.call('edge', 'New-EdgeSubscription', { FileName: 'again.xml' });
  return String(files?.[0]?.content);
}

/** Imports the content of a subscription file on the Hub. */
async function importAgain(content: string, more: Record<string, string> = {}): Promise<void> {
  const parameters = { Site: 'Default-First-Site-Name', ...more };
  await relaying.servers.call('hub', 'New-EdgeSubscription', parameters, { FileName: Buffer.from(content) });
}

async function expectRefusal(content: string, name: string, more?: Record<string, string>): Promise<void> {
  await expect(importAgain(content, more), name).rejects.toSatisfy(
    (error) => isProblem(error) && /^[^\n]+$/.test(error.message),
  );
}
