import { HUB_WITH_DOOR } from '../lab/joined-hub.ts';
import { isProblem } from '../problem.ts';
import { comesToHold } from './facts.ts';
import { hub02, joiningSteps } from './second-hub.ts';
import type { Fact, Scenario } from './scenario.ts';

function isStale(expected: boolean): Fact {
  return {
    says: `Get-DirectoryStatus on HUB02 shows IsStale ${expected ? 'True' : 'False'}`,
    holds: async (scene) => (await hub02(scene).ask('Get-DirectoryStatus'))[0]?.['IsStale'] === expected,
  };
}

const refusesChanges: Fact = {
  says: 'a cmdlet that would change the directory is refused, in one sentence',
  holds: async (scene) => {
    try {
      await hub02(scene).ask('New-AcceptedDomain', { Name: 'Woodgrove', DomainName: 'woodgrove.test' });
      return false;
    } catch (error) {
      return isProblem(error);
    }
  },
};

export const directoryDown: Scenario = {
  name: 'directory-down',
  title: 'The directory is down and mail goes on',
  about: [
    'HUB02 has its AD on another server. When that cannot be reached, HUB02 goes on with the last good state: whom it trusts, where mail goes, and by which certificate. What it believes of itself is kept on disk, so that this holds over a restart too. Only changes are refused.',
  ],
  pair: { settings: { hub: HUB_WITH_DOOR } },
  steps: [
    ...joiningSteps({
      joins: 'HUB02 joins the AD of the first Hub. Its first letter waits until the Edge has heard of it.',
      isHeardOf: 'EdgeSync tells the Edge. The mail of HUB02 goes in trusted TLS.',
    }),
    {
      tells: 'What it knows, it has just read.',
      act: ({ pair }) => pair.clock.run(1),
      letters: [{ letter: 'before', through: 'hub02', becomes: 'encrypted', reason: 'direct-trust' }],
      facts: [isStale(false)],
    },
    {
      tells: 'The first Hub, and with it AD, is stopped. Mail by HUB02 is as well protected as before.',
      act: async (scene) => {
        await scene.pair.hub.stop();
        // It looks at its directory every 200 ms.
        await comesToHold(isStale(true), scene);
      },
      letters: [{ letter: 'without AD', through: 'hub02', becomes: 'encrypted', reason: 'direct-trust' }],
      facts: [isStale(true), refusesChanges],
    },
    {
      tells: 'AD is back, and HUB02 catches up by itself.',
      act: ({ pair }) => pair.hub.start(),
      letters: [{ letter: 'after', through: 'hub02', becomes: 'encrypted', reason: 'direct-trust' }],
      facts: [isStale(false)],
    },
  ],
};
