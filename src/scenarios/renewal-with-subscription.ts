import { nothingBounced } from './facts.ts';
import type { Scenario } from './scenario.ts';

export const renewalWithSubscription: Scenario = {
  name: 'renewal-with-subscription',
  title: 'The Edge is renewed and subscribed again',
  about: [
    'How it is to be done without -Staged: the new certificate, and at once the new subscription. A letter that comes between the two waits for a moment.',
  ],
  steps: [
    {
      tells: 'Mail in trusted TLS.',
      letters: [{ letter: 'before', becomes: 'encrypted', reason: 'direct-trust' }],
    },
    {
      tells: 'The Edge gets a new certificate. A letter comes before anybody has subscribed it again.',
      commands: ['edge New-ExchangeCertificate'],
      act: ({ pair }) => pair.renew('edge', { isMadeKnown: false }),
      letters: [{ letter: 'between', becomes: 'waiting', reason: 'certificate-not-trusted' }],
    },
    {
      tells: 'The file goes from the Edge to the Hub once more. The letter leaves by itself.',
      commands: [
        'edge New-EdgeSubscription -FileName edge.xml -Force',
        'hub New-EdgeSubscription -FileName edge.xml -Site Default-First-Site-Name',
      ],
      act: ({ pair }) => pair.subscribe(),
      letters: [
        { letter: 'between', becomes: 'encrypted', reason: 'direct-trust' },
        { letter: 'after', becomes: 'encrypted', reason: 'direct-trust' },
        { letter: 'after in', direction: 'in', becomes: 'encrypted', reason: 'direct-trust' },
      ],
      facts: [nothingBounced],
    },
  ],
};
