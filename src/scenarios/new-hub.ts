import { HUB_WITH_DOOR } from '../lab/joined-hub.ts';
import { isProblem } from '../problem.ts';
import { nothingBounced } from './facts.ts';
import type { Fact, Scenario } from './scenario.ts';
import { hub02, joiningSteps } from './second-hub.ts';

function takesPart(isTaking: boolean): Fact {
  return {
    says: isTaking
      ? 'Start-EdgeSynchronization on HUB02 succeeds'
      : 'Start-EdgeSynchronization on HUB02 is refused: it has no account on the Edge',
    holds: async (scene) => {
      try {
        await hub02(scene).ask('Start-EdgeSynchronization');
        return isTaking;
      } catch (error) {
        if (!isProblem(error)) throw error;
        return !isTaking;
      }
    },
  };
}

export const newHub: Scenario = {
  name: 'new-hub',
  title: 'A new Hub in a site whose Edge is subscribed',
  about: [
    'A second Hub joins the site. It finds the subscription in AD, so it knows the Edge at once; the Edge hears of it with the next round of EdgeSync, and until then its mail waits.',
    'Sending mail and synchronizing are two things: the login for EdgeSync was in the subscription file, sealed to the Hubs that were there then. So a new Hub takes no part in EdgeSync until the Edge is subscribed again.',
  ],
  pair: { settings: { hub: HUB_WITH_DOOR } },
  steps: [
    ...joiningSteps({
      joins:
        "An account for the new Hub, its config with the first one's AD, and it starts. A letter that it takes waits: for the Edge it is a stranger, who is offered no way to prove itself.",
      isHeardOf:
        "A round of EdgeSync from the first Hub carries the new one's certificate and credential to the Edge. At its next attempt the letter leaves, in TLS.",
    }),
    {
      tells: 'It sends mail, and takes no part in EdgeSync yet.',
      act: ({ pair }) => pair.clock.run(1),
      facts: [takesPart(false)],
    },
    {
      tells: 'Subscribed again, the Edge has an account for each of the two, and either can synchronize it.',
      commands: [
        'edge New-EdgeSubscription -FileName edge.xml -Force',
        'hub New-EdgeSubscription -FileName edge.xml -Site Default-First-Site-Name',
      ],
      act: ({ pair }) => pair.subscribe(),
      facts: [takesPart(true), nothingBounced],
    },
  ],
};
