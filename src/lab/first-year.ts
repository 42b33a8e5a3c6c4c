// Chapters 1 to 4 of the demo: two servers that do not know each other, the subscription, and mail both ways over TLS in which
// each knows the other by the directory.

import { ROLES } from '../config.ts';
import { awaitArrival, handIn, offer, type Parcel, readKeywords, showDelivery } from './mail.ts';
import { INBOUND_CONNECTOR, INSIDE, INTERNET_CONNECTOR, SITE, SMART_HOST, type Stage, startServers } from './stage.ts';
import { expect, type, typeBoth, typeUntil } from './typing.ts';

export const TRUSTED = { isTls: true, reason: 'direct-trust' } as const;

const CERTIFICATE =
  'Get-ExchangeCertificate | fl Subject,CertificateDomains,IsSelfSigned,Services,NotBefore,NotAfter,Status';

export async function tellOfFreshCertificates(stage: Stage): Promise<void> {
  stage.story.chapter(1, 'Two servers, two fresh certificates');
  stage.story.say(
    `The Hub serves the people of ${INSIDE.domain}, the Edge stands outside and is in no domain of theirs.`,
  );
  await startServers(stage);
  const answers = await typeBoth(stage, [
    { role: 'edge', words: [CERTIFICATE] },
    { role: 'hub', words: [CERTIFICATE] },
  ]);
  const isFresh = (answer: string): boolean =>
    /^Services\s*: .*SMTP/m.test(answer) && /^Status\s*: Valid/m.test(answer);
  expect(stage, answers.every(isFresh), 'each has made itself a certificate, valid for a year and enabled for SMTP');
}

/** Mail before the subscription; returns the message that waits in the Hub. */
export async function tellOfMailBefore(stage: Stage): Promise<Parcel> {
  const { story } = stage;
  story.chapter(2, 'Mail before the subscription');
  const waiting = await offer(stage, 'out');
  expect(stage, waiting.reply?.code === 250, 'the Hub takes mail from inside', 'quiet');
  const queue = { role: 'hub', words: ['Get-Queue Unreachable | fl Identity,Status,MessageCount,LastError'] } as const;
  await typeUntil(stage, queue, /^MessageCount\s*: 1$/m);
  story.waits('from inside to outside: the Hub knows no Edge to send by');
  const refused = await offer(stage, 'in');
  const { code, enhanced } = refused.reply ?? { code: 0, enhanced: '' };
  expect(
    stage,
    code === 550 && enhanced === '5.7.1',
    'from outside to inside: the Edge knows of no domain to take mail for, and refuses',
  );
  return waiting;
}

export async function tellOfSubscription(stage: Stage, waiting: Parcel): Promise<void> {
  const { story } = stage;
  story.chapter(3, 'Export, import, synchronize');
  story.say("The file carries the Edge's public certificate and a login for a day; its private key stays where it is.");
  await type(stage, { role: 'edge', words: ['New-EdgeSubscription', '-FileName', 'edge.xml'] });
  await type(stage, { role: 'hub', words: ['New-AcceptedDomain', '-Name', 'Contoso', '-DomainName', INSIDE.domain] });
  await type(stage, { role: 'hub', words: ['New-EdgeSubscription', '-FileName', 'edge.xml', '-Site', SITE] });
  await type(stage, { role: 'hub', words: smartHostWords() });
  await synchronize(stage);
  await tellOfConnectors(stage);
  await awaitArrival(stage, [waiting]);
  expect(
    stage,
    true,
    `the message that waited since chapter 2 has left by ${SMART_HOST}: ${waiting.message.messageId}`,
  );
}

function smartHostWords(): string[] {
  const dns = ['-DNSRoutingEnabled', 'false', '-DomainSecureEnabled', 'false'];
  return ['Set-SendConnector', INTERNET_CONNECTOR, ...dns, '-SmartHosts', SMART_HOST];
}

export async function synchronize(stage: Stage): Promise<void> {
  const answer = await type(stage, {
    role: 'hub',
    words: ['Start-EdgeSynchronization'],
    keep: (line) => /^(?:Result|Type|Name|FailureDetails|Added|Deleted|Updated)\b/.test(line),
  });
  expect(stage, /^Result\s*: Success$/m.test(answer), 'EdgeSync succeeds');
}

async function tellOfConnectors(stage: Stage): Promise<void> {
  const answer = await type(stage, { role: 'edge', words: ['Get-SendConnector'] });
  const arePushed = [INTERNET_CONNECTOR, INBOUND_CONNECTOR].every((name) => answer.includes(name));
  expect(stage, arePushed, 'the Send connectors that were made on the Hub are on the Edge');
  const words = [`Get-SendConnector "${INBOUND_CONNECTOR}" | fl Name,Enabled,AddressSpaces,IgnoreSTARTTLS,RequireTLS`];
  const inbound = await type(stage, { role: 'edge', words });
  expect(
    stage,
    /^IgnoreSTARTTLS\s*: False$/m.test(inbound),
    'IgnoreSTARTTLS is False: TLS is preferred, and not required',
  );
}

export async function tellOfTrustedMail(stage: Stage): Promise<void> {
  const { story } = stage;
  story.chapter(4, 'Mail both ways over mutually trusted TLS');
  await expectStartTls(stage, true);
  const parcels = await handIn(stage, 4);
  await showDelivery(stage, parcels, { out: TRUSTED, in: TRUSTED });
  const [first] = parcels;
  if (!first) return;
  story.say('One of them in full, as the Hub that sent it wrote it down:');
  const properties =
    'Server,Peer,StartTlsOffered,TlsVersion,TlsCipher,LocalThumbprint,PeerThumbprint,Authentication,Channel,Reason,Protection';
  const id = `"${first.message.messageId}"`;
  const card = await type(stage, {
    role: 'hub',
    words: [`Get-DecisionCard -MessageId ${id} -Outcome delivered | fl ${properties}`],
  });
  expect(
    stage,
    /^Authentication\s*: EXTERNAL$/m.test(card),
    'each proved itself to the other by the certificate in the directory',
  );
  const tracking = 'Get-MessageTrackingLog -EventId RECEIVE';
  await typeUntil(
    stage,
    {
      role: 'edge',
      words: [`${tracking} -MessageId ${id} | fl EventId,ClientHostname,MessageId,Channel,TlsVersion,Reason`],
    },
    /^Reason\s*: direct-trust$/m,
  );
}

/** What a stranger reads after EHLO, on both. */
export async function expectStartTls(stage: Stage, isOffered: boolean): Promise<void> {
  for (const role of ROLES) {
    const keywords = await readKeywords(stage, role);
    stage.story.say(`EHLO at the ${role === 'hub' ? 'Hub' : 'Edge'}: ${keywords.join(' ')}`);
    expect(
      stage,
      keywords.includes('STARTTLS') === isOffered,
      `STARTTLS is ${isOffered ? 'offered' : 'not offered'} by the ${role}`,
      'quiet',
    );
  }
  stage.story.held(isOffered ? 'both offer STARTTLS' : 'STARTTLS is gone from EHLO on both');
}
