import { nothingBounced } from './facts.ts';
import type { Scenario } from './scenario.ts';

export const hubRenewed: Scenario = {
  name: 'hub-renewed',
  title: 'The Hub is renewed, and EdgeSync tells the Edge',
  about: [
    "The Hub's certificate is carried by EdgeSync: no file goes from server to server, and no new subscription is needed. Until the next round mail waits.",
  ],
  steps: [
    {
      tells:
        'The Hub gets a new certificate. The Edge still has the old one on record and takes the Hub for a stranger; the Hub, for its part, meets an Edge that does not know it.',
      commands: ['hub New-ExchangeCertificate'],
      act: ({ pair }) => pair.renew('hub', { isMadeKnown: false }),
      letters: [
        { letter: 'out', becomes: 'waiting', reason: 'authentication-refused' },
        { letter: 'in', direction: 'in', becomes: 'waiting', reason: 'certificate-not-trusted' },
      ],
    },
    {
      tells: 'One round of EdgeSync, which the schedule would have made within three minutes. What waited leaves.',
      commands: ['hub Start-EdgeSynchronization'],
      act: async ({ pair }) => {
        await pair.synchronize();
        // The Edge tries again by itself, since its directory has changed; the Hub's has not, and it waits for its next attempt.
        await pair.clock.advance('1m');
      },
      letters: [
        { letter: 'out', becomes: 'encrypted', reason: 'direct-trust' },
        { letter: 'in', direction: 'in', becomes: 'encrypted', reason: 'direct-trust' },
      ],
      facts: [nothingBounced],
    },
  ],
};
