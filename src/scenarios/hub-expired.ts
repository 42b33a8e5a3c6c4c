import { hasEvent, nothingBounced, offersStartTls } from './facts.ts';
import type { Scenario } from './scenario.ts';

export const hubExpired: Scenario = {
  name: 'hub-expired',
  title: "The Hub's certificate expires",
  about: [
    'The mirror image of edge-expired, and its end is the easier one: what the Hub shows, EdgeSync carries to the Edge, so that no new subscription is needed.',
  ],
  steps: [
    {
      tells:
        'A year goes by. Half way the Edge is renewed and subscribed again; the Hub keeps the certificate that it was born with.',
      commands: [
        'edge New-ExchangeCertificate',
        'edge New-EdgeSubscription -FileName edge.xml -Force',
        'hub New-EdgeSubscription -FileName edge.xml -Site Default-First-Site-Name',
        'lab clock --offset +366d',
      ],
      act: ({ pair }) => pair.expire('hub'),
      facts: [offersStartTls('hub', false), offersStartTls('edge', true)],
    },
    {
      tells:
        'Mail flows in clear both ways. The Hub does not try TLS, although the Edge offers it: the certificate that it would have to show is the expired one.',
      letters: [
        { letter: 'out', becomes: 'in clear', reason: 'own-certificate-expired' },
        { letter: 'in', direction: 'in', becomes: 'in clear', reason: 'certificate-expired' },
      ],
      facts: [nothingBounced, hasEvent('hub', 12_016, 'its own certificate has expired')],
    },
    {
      tells: 'A new certificate and one synchronization.',
      commands: ['hub New-ExchangeCertificate', 'hub Start-EdgeSynchronization'],
      act: ({ pair }) => pair.renew('hub'),
      letters: [
        { letter: 'renewed out', becomes: 'encrypted', reason: 'direct-trust' },
        { letter: 'renewed in', direction: 'in', becomes: 'encrypted', reason: 'direct-trust' },
      ],
    },
  ],
};
