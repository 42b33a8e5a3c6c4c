import { nothingBounced } from './facts.ts';
import type { Scenario } from './scenario.ts';

export const impostor: Scenario = {
  name: 'impostor',
  title: 'An impostor answers in place of the Edge',
  about: [
    "Somebody has taken the Edge's address and shows a certificate of his own, with the Edge's name in it and in date. No authority would help here, since none is asked; what counts is that the directory holds another one. The impostor gets no mail: not in TLS, and not in clear either.",
    'To the Hub an impostor and an Edge that was renewed without a word look alike. Both are answered with waiting, which costs time and loses nothing.',
  ],
  steps: [
    {
      tells:
        "The fault box ends the Hub's TLS itself, with a certificate that it made a moment ago, and would pass everything on. The Hub looks at the certificate and leaves before it has said from whom or to whom.",
      act: ({ pair }) =>
        pair.meddle('edge', [{ do: 'terminate', at: 'STARTTLS', toClient: { certificate: { dates: 'in-date' } } }]),
      letters: [{ letter: 'for the Edge', becomes: 'waiting', reason: 'certificate-not-trusted' }],
      facts: [nothingBounced],
    },
    {
      tells:
        'At the next attempt, a minute later, he shows one that has expired. That is no better: what has expired and is not on record is never a reason to speak in clear.',
      act: async ({ pair }) => {
        await pair.meddle('edge', [
          { do: 'terminate', at: 'STARTTLS', toClient: { certificate: { dates: 'expired' } } },
        ]);
        await pair.clock.advance('1m');
      },
      letters: [{ letter: 'for the Edge', becomes: 'waiting', reason: 'certificate-not-trusted' }],
      facts: [nothingBounced],
    },
    {
      tells: 'The Edge has its address back. At the next attempt, a minute later, the letter leaves.',
      commands: [`hub Retry-Queue -Filter "Status -eq 'Retry'"`],
      act: async ({ pair }) => {
        await pair.meddle('edge', []);
        await pair.clock.advance('1m');
      },
      letters: [{ letter: 'for the Edge', becomes: 'encrypted', reason: 'direct-trust' }],
      facts: [nothingBounced],
    },
  ],
};
