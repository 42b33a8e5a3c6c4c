import { ROLES } from '../config.ts';
import { nothingBounced } from './facts.ts';
import type { Scenario, Scene } from './scenario.ts';

/** Reports to senders that their mail is late. */
async function delayNotices({ pair }: Scene): Promise<number> {
  const all = await Promise.all(ROLES.map((role) => pair.ask(role, 'Get-MessageTrackingLog', { EventId: 'DSN' })));
  return all.flat().length;
}

export const renewalWithoutSubscription: Scenario = {
  name: 'renewal-without-subscription',
  title: 'The Edge is renewed and nobody subscribes it again',
  about: [
    'The slip that every administrator makes once. Nothing is sent in clear and nothing bounces: the Edge might be anybody, so mail waits on both sides until somebody subscribes again. After four hours the senders hear that their mail is late.',
  ],
  steps: [
    {
      tells: 'The Edge gets a new certificate, and that is all that is done.',
      commands: ['edge New-ExchangeCertificate'],
      act: ({ pair }) => pair.renew('edge', { isMadeKnown: false }),
      letters: [
        { letter: 'out', becomes: 'waiting', reason: 'certificate-not-trusted' },
        { letter: 'in', direction: 'in', becomes: 'waiting', reason: 'authentication-refused' },
      ],
    },
    {
      tells:
        'Five hours later the letters still wait. The sender inside has a notice that his is late; the one outside would have one too, but that waits as well, on the same way out.',
      commands: ['lab clock --offset +5h'],
      // The Edge shows EdgeSync the unknown certificate too, so that no round succeeds on the way.
      act: ({ pair }) => pair.clock.advance('5h', { isEdgeSyncNeeded: false }),
      letters: [
        { letter: 'out', becomes: 'waiting', reason: 'certificate-not-trusted' },
        { letter: 'in', direction: 'in', becomes: 'waiting', reason: 'authentication-refused' },
      ],
      facts: [
        {
          says: 'each server has told one sender that his letter is late',
          holds: async (scene) => (await delayNotices(scene)) === 2,
        },
        nothingBounced,
      ],
    },
    {
      tells: 'Subscribing again is all it takes, however late.',
      commands: [
        'edge New-EdgeSubscription -FileName edge.xml -Force',
        'hub New-EdgeSubscription -FileName edge.xml -Site Default-First-Site-Name',
      ],
      act: ({ pair }) => pair.subscribe(),
      letters: [
        { letter: 'out', becomes: 'encrypted', reason: 'direct-trust' },
        { letter: 'in', direction: 'in', becomes: 'encrypted', reason: 'direct-trust' },
      ],
      facts: [nothingBounced],
    },
  ],
};
