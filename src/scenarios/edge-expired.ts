import { hasEvent, nothingBounced, offersStartTls, synchronizes } from './facts.ts';
import type { Scenario } from './scenario.ts';

export const edgeExpired: Scenario = {
  name: 'edge-expired',
  title: "The Edge's certificate expires",
  about: [
    "The Hub was renewed in time, the Edge was forgotten. One expired certificate is enough for both directions to go in clear, but the two say so with different words: the Hub that the other one's certificate has expired, the Edge that its own has.",
  ],
  steps: [
    {
      tells:
        'A year goes by. Half way the Hub is renewed and tells the Edge; the Edge keeps the certificate that it was born with.',
      commands: ['hub New-ExchangeCertificate', 'hub Start-EdgeSynchronization', 'lab clock --offset +366d'],
      act: ({ pair }) => pair.expire('edge'),
      facts: [offersStartTls('hub', true), offersStartTls('edge', false)],
    },
    {
      tells:
        'Mail flows in clear both ways. An Edge without a good certificate does not try TLS on its way in either: what it could show would prove nothing.',
      letters: [
        { letter: 'out', becomes: 'in clear', reason: 'certificate-expired' },
        { letter: 'in', direction: 'in', becomes: 'in clear', reason: 'own-certificate-expired' },
      ],
      facts: [nothingBounced, hasEvent('edge', 12_016, 'its own certificate has expired'), synchronizes],
    },
    {
      tells: 'A new certificate and a new subscription, and everything is as it was.',
      commands: [
        'edge New-ExchangeCertificate',
        'edge New-EdgeSubscription -FileName edge.xml -Force',
        'hub New-EdgeSubscription -FileName edge.xml -Site Default-First-Site-Name',
      ],
      act: ({ pair }) => pair.renew('edge'),
      letters: [
        { letter: 'renewed out', becomes: 'encrypted', reason: 'direct-trust' },
        { letter: 'renewed in', direction: 'in', becomes: 'encrypted', reason: 'direct-trust' },
      ],
    },
  ],
};
