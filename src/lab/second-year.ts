// Chapters 5 to 7 of the demo: both certificates expire and mail goes on in clear, then each is renewed. The Hub's is renewed
// first of all, since while it is expired no certificate of the Edge's is ever looked at.

import { expectStartTls, synchronize, TRUSTED } from './first-year.ts';
import { type ExpectedHop, handIn, type Parcel, showDelivery } from './mail.ts';
import { ROLES } from '../config.ts';
import { moveLabClocks } from '../control/lab-clocks.ts';
import { askServer, SITE, type Stage } from './stage.ts';
import { expect, type, typeBoth, typeUntil } from './typing.ts';

const DAY_MS = 86_400_000;
const OWN_EXPIRED: ExpectedHop = { isTls: false, reason: 'own-certificate-expired' };
const PEER_EXPIRED: ExpectedHop = { isTls: false, reason: 'certificate-expired' };

export async function tellOfExpiry(stage: Stage): Promise<void> {
  const { story } = stage;
  story.chapter(5, 'A year and a day later');
  story.say(
    'Nobody thought of the certificates. The year passes for both servers: their clocks are moved on together in steps',
  );
  story.say(
    "no longer than EdgeSync's own credentials live, with a synchronization after each. And then the last day:",
  );
  const days = daysOfAYear(new Date());
  await passTime(stage, days);
  const words = ['Set-LabClock', '-Offset', `+${days + 1}d`];
  await typeBoth(stage, [
    { role: 'edge', words },
    { role: 'hub', words },
  ]);
  await expectStartTls(stage, false);
  const parcels = await handIn(stage, 2);
  const traces = await showDelivery(stage, parcels, { out: OWN_EXPIRED, in: OWN_EXPIRED });
  story.say('The mail flows, and says of itself how. What stands on top of the last of them:');
  const trace = traces.at(-1) ?? '';
  story.output(trace.replaceAll('\r\n', '\n'));
  expect(
    stage,
    trace.includes('(in clear, reason=own-certificate-expired)'),
    'the Received field says that the hop was in clear, and why',
  );
  await tellOfPlaintextCard(stage, parcels[0]);
  story.say(
    'EdgeSync carries a password and is never in clear: it goes on in TLS with the expired certificate on record.',
  );
  await synchronize(stage);
  await tellOfEvents(stage);
}

/** Both servers live through so many days from now; every synchronization on the way has to succeed. */
async function passTime(stage: Stage, days: number): Promise<void> {
  const failures: string[] = [];
  await moveLabClocks((role, cmdlet, parameters) => askServer(stage, role, cmdlet, parameters), {
    fromMs: 0,
    toMs: days * DAY_MS,
    onFailure: (sentence) => failures.push(sentence),
  });
  expect(
    stage,
    failures.length === 0,
    `EdgeSync went on for ${days} days by itself: its credentials were renewed on the way`,
  );
}

/** What a hop in clear is worth, as the card says it. */
async function tellOfPlaintextCard(stage: Stage, parcel: Parcel | undefined): Promise<void> {
  const id = `"${parcel?.message.messageId ?? ''}"`;
  const properties =
    'Server,Peer,StartTlsAttempted,Authentication,AuthenticationResult,Channel,Rule,Reason,Explanation,Protection';
  const words = [`Get-DecisionCard -MessageId ${id} -Outcome delivered | fl ${properties}`];
  const card = await type(stage, { role: 'hub', words });
  const isProven =
    /^Authentication\s*: SCRAM-SHA-256$/m.test(card) && /^Protection\s*: authenticated-not-protected$/m.test(card);
  expect(
    stage,
    isProven,
    'the two still know each other, by password: no open relay; but nothing is hidden from the path',
  );
}

/** As certificates count it: to the same day of the next year. */
function daysOfAYear(from: Date): number {
  const end = new Date(from);
  end.setUTCFullYear(end.getUTCFullYear() + 1);
  return Math.round((end.getTime() - from.getTime()) / DAY_MS);
}

async function tellOfEvents(stage: Stage): Promise<void> {
  const keep = (line: string): boolean =>
    /^\s*(?:EventId|-------|12015|12016|12019)\b/.test(line) || line.startsWith('-');
  const words = ['Get-EventLog -Newest 40 | ft EventId,EntryType,Message'];
  const [edge = '', hub = ''] = await typeBoth(stage, [
    { role: 'edge', words, keep },
    { role: 'hub', words, keep },
  ]);
  const has = (log: string, id: number): boolean => new RegExp(`^\\s*${id} `, 'm').test(log);
  expect(
    stage,
    [12015, 12016].every((id) => has(edge, id) && has(hub, id)),
    'both logs have 12015 and 12016: the own certificate has expired',
  );
  expect(stage, has(hub, 12019), "the Hub's log has 12019: the Edge's certificate, the one on record, has expired");
}

export async function tellOfNewEdgeCertificate(stage: Stage): Promise<void> {
  const { story } = stage;
  story.chapter(6, 'A new Edge certificate');
  story.say("The Hub's is expired as well, and its renewal is the easier one: make it, synchronize.");
  await type(stage, { role: 'hub', words: ['New-ExchangeCertificate'] });
  await synchronize(stage);
  await showDelivery(stage, await handIn(stage, 1), { out: PEER_EXPIRED, in: OWN_EXPIRED });
  story.say("Still in clear, now for the Edge's certificate alone. So there:");
  await type(stage, { role: 'edge', words: ['New-ExchangeCertificate'] });
  const parcels = await handIn(stage, 1);
  await expectWaiting(stage, { hub: 'certificate-not-trusted', edge: 'authentication-refused' });
  story.waits(
    'in both directions: the directory holds another certificate of the Edge; nothing bounces. Subscribe again:',
  );
  await type(stage, { role: 'edge', words: ['New-EdgeSubscription', '-FileName', 'edge-renewed.xml'] });
  await type(stage, { role: 'hub', words: ['New-EdgeSubscription', '-FileName', 'edge-renewed.xml', '-Site', SITE] });
  await expectTrust(stage, parcels);
}

export async function tellOfNewHubCertificate(stage: Stage): Promise<void> {
  const { story } = stage;
  story.chapter(7, 'A new Hub certificate');
  story.say('Replaced once more, and this time looked at before anybody synchronizes.');
  await type(stage, { role: 'hub', words: ['New-ExchangeCertificate'] });
  const parcels = await handIn(stage, 1);
  await expectWaiting(stage, { hub: 'authentication-refused', edge: 'certificate-not-trusted' });
  story.waits('in both directions, until the Edge hears of the new certificate. No new subscription is needed:');
  await synchronize(stage);
  await expectTrust(stage, parcels);
  await expectStartTls(stage, true);
}

/** Both queues are in Retry for the reason given; the demo waits for an attempt of each. */
async function expectWaiting(stage: Stage, reasons: { hub: string; edge: string }): Promise<void> {
  const words = [`Get-Queue -Filter "MessageCount -gt 0" | fl Identity,NextHopDomain,Status,MessageCount,LastError`];
  for (const role of ROLES) {
    const answer = await typeUntil(
      stage,
      { role, words },
      new RegExp(`^Status\\s*: Retry$[^]*^LastError\\s*: .*${reasons[role]}`, 'm'),
    );
    expect(stage, /^MessageCount\s*: 1$/m.test(answer), `one message waits in the ${role}`, 'quiet');
  }
}

/** What waited, and what is handed in now, arrives in TLS. */
async function expectTrust(stage: Stage, waited: readonly Parcel[]): Promise<void> {
  const fresh = await handIn(stage, 1);
  await showDelivery(stage, [...waited, ...fresh], { out: TRUSTED, in: TRUSTED });
}
