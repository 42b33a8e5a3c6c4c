import { describe, expect, it } from 'vitest';
import { publishCertificate, type RenewalState, stageCertificate } from '../../../src/directory/certificate-renewal.ts';
import { adopt, prepareStagedCertificate } from '../../../src/edgesync/staged-certificate.ts';
import type { SyncScene } from '../../../src/edgesync/sync-type.ts';
import { HandClock } from '../../helpers/hand-clock.ts';
import { makeCertificate, makeServer, makeSubscription, openHub } from '../directory/fixtures.ts';

const NOW = new Date('2026-06-01T00:00:00.000Z');
const LATER = new Date('2026-06-03T00:00:00.000Z');
const [first, second, third] = [1, 2, 3].map(() => makeCertificate('edge01.perimeter.test'));
const answer = { server: 'HUB01', at: NOW, effective: NOW };
const staging = { gracePeriodMs: 86_400_000, now: NOW };
const subscribed: RenewalState = { certificate: first };
const staged = stageCertificate(subscribed, second!, staging);

function answered(state: RenewalState): string[] {
  const name = (sha256: string): string =>
    [first, second, third].findIndex((each) => each?.sha256 === sha256).toString();
  return (state.certificateAcknowledgements ?? []).map(({ sha256, refused }) => `${name(sha256)} ${refused ?? 'yes'}`);
}

describe('what AD takes over of what an Edge announces', () => {
  it('is the staged certificate, with an acknowledgement for it', () => {
    const adopted = adopt(subscribed, staged, answer);
    expect(adopted).toMatchObject({ certificate: first, nextCertificate: second, nextStagedAt: NOW });
    expect(answered(adopted)).toEqual(['0 yes', '1 yes']);
  });

  it('is the same when it is announced again later', () => {
    const adopted = adopt(subscribed, staged, answer);
    expect(adopt(adopted, staged, { ...answer, at: LATER, effective: LATER })).toEqual(adopted);
  });

  it('is the takeover, with the old one until when the Edge says', () => {
    const renewed = publishCertificate(staged, second, LATER);
    const adopted = adopt(adopt(subscribed, staged, answer), renewed, answer);
    expect(adopted).toMatchObject({
      certificate: second,
      certificateSince: LATER,
      previousCertificate: first,
      previousUntil: new Date('2026-06-04T00:00:00.000Z'),
    });
    expect(adopted.nextCertificate).toBeUndefined();
    const withdrawn = adopt(adopted, { certificate: second }, answer);
    expect(withdrawn.previousCertificate).toBeUndefined();
    expect(answered(withdrawn)).toEqual(['1 yes']);
  });

  it('is the takeover without the old one when its grace period was over before a round came by', () => {
    const adopted = adopt(adopt(subscribed, staged, answer), { certificate: second }, answer);
    expect(adopted.certificate).toBe(second);
    expect(adopted.previousCertificate).toBeUndefined();
  });

  it('is another staged one in place of the first, and none when the Edge gave it up', () => {
    const adopted = adopt(subscribed, staged, answer);
    const replaced = adopt(adopted, stageCertificate(staged, third!, staging), answer);
    expect(replaced.nextCertificate).toBe(third);
    expect(answered(replaced)).toEqual(['0 yes', '2 yes']);
    expect(adopt(replaced, subscribed, answer).nextCertificate).toBeUndefined();
  });

  it('is nothing of an Edge that uses a certificate which AD does not know, staged ones included', () => {
    const adopted = adopt(subscribed, { certificate: second, nextCertificate: third, nextStagedAt: NOW }, answer);
    expect(adopted).toMatchObject({ certificate: first });
    expect(adopted.nextCertificate).toBeUndefined();
    expect(answered(adopted)).toEqual([]);
  });

  it('is never a previous one that AD did not have as the current one', () => {
    const adopted = adopt(subscribed, { ...subscribed, previousCertificate: third, previousUntil: LATER }, answer);
    expect(adopted.previousCertificate).toBeUndefined();
  });

  it('is a refusal with its sentence, once, when the certificate cannot be taken', () => {
    const refusal = { ...answer, refused: 'it does not name edge01.perimeter.test' };
    const refused = adopt(subscribed, staged, refusal);
    expect(refused.nextCertificate).toBeUndefined();
    expect(answered(refused)).toEqual(['0 yes', '1 it does not name edge01.perimeter.test']);
    expect(adopt(refused, staged, { ...refusal, at: LATER })).toEqual(refused);
    expect(answered(adopt(refused, subscribed, answer))).toEqual(['0 yes']);
  });
});

it('a subscription file that is imported while a round looks at the Edge is not undone by that round', async () => {
  const { ad } = await openHub();
  const request = { createInboundSendConnector: true, createInternetSendConnector: true, credentialsFor: () => [] };
  await ad.subscribe({ ...request, subscription: makeSubscription({ certificate: first }) });
  const [edge] = ad.snapshot().edges;
  const importing = ad.subscribe({
    ...request,
    subscription: makeSubscription({ certificate: second, subscriptionEffective: NOW }),
  });
  const self = makeServer({ name: 'EDGE01', fqdn: 'edge01.perimeter.test', role: 'EdgeTransport', certificate: first });
  const scene = { activeDirectory: ad, clock: new HandClock(NOW), edge, state: { self } };
  await prepareStagedCertificate.prepare(scene as unknown as SyncScene);
  await importing;
  expect(ad.snapshot().edges).toMatchObject([{ certificate: { sha256: second!.sha256 } }]);
});
