// The second Hub of the scenarios that have one: how it comes.

import type { LabServer } from '../lab/lab-server.ts';
import type { Fact, Scene, Step } from './scenario.ts';

export function hub02({ others }: Scene): LabServer {
  const server = others.get('hub02');
  if (!server) throw new Error('HUB02 has not joined yet');
  return server;
}

/** A step in which HUB02 joins and has a letter that must wait, and one in which the Edge hears of it. */
export function joiningSteps(tells: { readonly joins: string; readonly isHeardOf: string }): readonly [Step, Step] {
  return [
    {
      tells: tells.joins,
      commands: ['hub New-DirectoryAccount HUB02 -Kind Hub -PasswordFile hub02.password', 'hub --config hub02.yaml'],
      act: async ({ pair, others }) => {
        others.set('hub02', await pair.addHub());
      },
      letters: [{ letter: 'by HUB02', through: 'hub02', becomes: 'waiting', reason: 'authentication-not-offered' }],
      facts: [edgeKnows(false)],
    },
    {
      tells: tells.isHeardOf,
      commands: ['hub Start-EdgeSynchronization'],
      act: async ({ pair }) => {
        await pair.synchronize();
        // It reads AD a moment later, and tries again a minute later if it did so too soon: which is a second at this speed.
        await pair.clock.run(60);
      },
      letters: [{ letter: 'by HUB02', through: 'hub02', becomes: 'encrypted', reason: 'direct-trust' }],
      facts: [edgeKnows(true)],
    },
  ];
}

function edgeKnows(isKnown: boolean): Fact {
  return {
    says: `the Edge ${isKnown ? 'has HUB02 in its directory' : 'has not heard of HUB02'}`,
    holds: async ({ pair }) => {
      const servers = await pair.ask('edge', 'Get-TransportServer');
      return servers.some(({ Name: name }) => name === 'HUB02') === isKnown;
    },
  };
}
