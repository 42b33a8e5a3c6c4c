import { hasEvent, nothingBounced, offersStartTls, synchronizes } from './facts.ts';
import type { Fact, Scenario } from './scenario.ts';

function edgeRefusesMail(isRefusing: boolean): Fact {
  return {
    says: `the Edge ${isRefusing ? 'refuses' : 'takes'} a letter from the world for anna@contoso.test`,
    holds: async ({ pair }) => (await pair.send({ direction: 'in' })).isAccepted !== isRefusing,
  };
}

export const theStory: Scenario = {
  name: 'the-story',
  title: 'The whole story: subscribe, trust, expire, renew',
  about: [
    "A Hub inside and an Edge in the perimeter trust each other because each finds the other's certificate in its directory. Nobody signs anything. What an administrator has to know is what happens when that ends.",
    'Mail flows before, during and after. It is encrypted while the certificates are good; in clear, and it says so, once one has expired; and it waits while one was replaced and the other side does not know yet.',
  ],
  pair: { isSubscribed: false },
  steps: [
    {
      tells:
        'Two servers that do not know each other. Both offer STARTTLS with certificates that they made themselves. The Edge knows of no domain to take mail for, and refuses what comes for the people inside.',
      facts: [offersStartTls('hub', true), offersStartTls('edge', true), edgeRefusesMail(true)],
    },
    {
      tells:
        "The Edge writes a subscription file: its public certificate, and a login for EdgeSync that is good for a day. The Hub imports it, which puts the certificate into AD, and EdgeSync carries the Hub's certificate, its connectors and its domains to the Edge.",
      commands: [
        'edge New-EdgeSubscription -FileName edge.xml',
        'hub New-EdgeSubscription -FileName edge.xml -Site Default-First-Site-Name',
      ],
      act: ({ pair }) => pair.subscribe(),
      facts: [edgeRefusesMail(false)],
    },
    {
      tells:
        'From now on mail goes both ways in TLS, and each side has proved to the other that it is the one in the directory.',
      letters: [
        { letter: 'trusted out', becomes: 'encrypted', reason: 'direct-trust' },
        { letter: 'trusted in', direction: 'in', becomes: 'encrypted', reason: 'direct-trust' },
      ],
    },
    {
      tells:
        'A year goes by and nobody thought of the certificates. Both servers withdraw STARTTLS, since they have nothing good to show. Mail goes on in clear; the two still know each other, by the password that EdgeSync brought (SCRAM-SHA-256), so that neither is an open relay.',
      commands: ['lab clock --offset +366d'],
      act: ({ pair }) => pair.expire('hub', 'edge'),
      letters: [
        { letter: 'expired out', becomes: 'in clear', reason: 'own-certificate-expired' },
        { letter: 'expired in', direction: 'in', becomes: 'in clear', reason: 'own-certificate-expired' },
      ],
      facts: [offersStartTls('hub', false), offersStartTls('edge', false), nothingBounced],
    },
    {
      tells:
        'EdgeSync carries a password and is never in clear. It goes on in TLS with the expired certificate, because that is the one on record, and says so.',
      facts: [synchronizes, hasEvent('hub', 12_019, 'the certificate of the Edge, the one on record, has expired')],
    },
    {
      tells:
        "The Hub gets a new certificate, and EdgeSync tells the Edge. Mail is still in clear, now for the Edge's certificate alone.",
      commands: ['hub New-ExchangeCertificate', 'hub Start-EdgeSynchronization'],
      act: ({ pair }) => pair.renew('hub'),
      letters: [
        { letter: 'half renewed out', becomes: 'in clear', reason: 'certificate-expired' },
        { letter: 'half renewed in', direction: 'in', becomes: 'in clear', reason: 'own-certificate-expired' },
      ],
    },
    {
      tells:
        'Then the Edge gets one, and nobody tells the Hub. In AD stands another certificate, so the Edge might be anybody: mail waits in both directions. It is never sent in clear for this.',
      commands: ['edge New-ExchangeCertificate'],
      act: ({ pair }) => pair.renew('edge', { isMadeKnown: false }),
      letters: [
        { letter: 'unknown out', becomes: 'waiting', reason: 'certificate-not-trusted' },
        { letter: 'unknown in', direction: 'in', becomes: 'waiting', reason: 'authentication-refused' },
      ],
      facts: [nothingBounced],
    },
    {
      tells: 'Subscribing again puts the new certificate into AD. What waited leaves by itself, in TLS.',
      commands: [
        'edge New-EdgeSubscription -FileName edge.xml -Force',
        'hub New-EdgeSubscription -FileName edge.xml -Site Default-First-Site-Name',
      ],
      act: ({ pair }) => pair.subscribe(),
      letters: [
        { letter: 'unknown out', becomes: 'encrypted', reason: 'direct-trust' },
        { letter: 'unknown in', direction: 'in', becomes: 'encrypted', reason: 'direct-trust' },
        { letter: 'renewed out', becomes: 'encrypted', reason: 'direct-trust' },
        { letter: 'renewed in', direction: 'in', becomes: 'encrypted', reason: 'direct-trust' },
      ],
      facts: [offersStartTls('hub', true), offersStartTls('edge', true), nothingBounced],
    },
  ],
};
