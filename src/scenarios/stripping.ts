import { hasEvent } from './facts.ts';
import type { Scenario } from './scenario.ts';

export const stripping: Scenario = {
  name: 'stripping',
  title: 'Somebody on the path strips STARTTLS',
  about: [
    'The oldest trick against opportunistic TLS: whoever sits between two servers takes STARTTLS out of the answer to EHLO, and both go on in clear. Opportunistic means that mail flows all the same. It does not mean that nobody notices: the directory holds a valid certificate for the other server, so its offer was to be expected.',
    'The two still prove who they are, by SCRAM-SHA-256. Said honestly, against somebody who sits on the path that proves nothing about the octets that follow. Who needs more sets RequireTLS: see require-tls.',
  ],
  steps: [
    {
      tells:
        'The fault box stands in front of the Edge and removes one keyword from one reply. The letter goes in clear, marked as what it is.',
      act: ({ pair }) => pair.meddle('edge', [{ do: 'strip', at: 'EHLO reply' }]),
      letters: [{ letter: 'stripped out', becomes: 'in clear', reason: 'downgrade-suspected' }],
      facts: [hasEvent('hub', 30_001, 'somebody on the way may have removed the offer')],
    },
    {
      tells: 'The same in front of the Hub, for mail that comes in.',
      act: ({ pair }) => pair.meddle('hub', [{ do: 'strip', at: 'EHLO reply' }]),
      letters: [{ letter: 'stripped in', direction: 'in', becomes: 'in clear', reason: 'downgrade-suspected' }],
      facts: [hasEvent('edge', 30_001, 'somebody on the way may have removed the offer')],
    },
    {
      tells: 'The box is taken away, and the next letters go in TLS: nothing of it is remembered.',
      act: async ({ pair }) => {
        await pair.meddle('edge', []);
        await pair.meddle('hub', []);
      },
      letters: [
        { letter: 'after out', becomes: 'encrypted', reason: 'direct-trust' },
        { letter: 'after in', direction: 'in', becomes: 'encrypted', reason: 'direct-trust' },
      ],
    },
  ],
};
