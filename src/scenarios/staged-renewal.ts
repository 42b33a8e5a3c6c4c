import type { Role } from '../config.ts';
import { nothingBounced } from './facts.ts';
import type { Fact, Scenario } from './scenario.ts';

/** In its place the previous one stays on record for a while. */
function keepsPrevious(role: Role): Fact {
  return {
    says: `the previous certificate of the ${role === 'hub' ? 'Hub' : 'Edge'} stays on record until its grace period is over`,
    holds: async ({ pair }) => {
      const certificates = await pair.ask(role, 'Get-ExchangeCertificate');
      return certificates.some(
        ({ Renewal: state }) => typeof state === 'string' && state.startsWith('Previous until '),
      );
    },
  };
}

export const stagedRenewal: Scenario = {
  name: 'staged-renewal',
  title: 'Both are renewed without a gap',
  about: [
    'With -Staged the other side learns of the new certificate before it is shown to anybody, over the channel that the old one still protects. While both are on record it does not matter which one is shown, so that no letter waits at any moment and nobody carries a file.',
  ],
  steps: [
    {
      tells: 'Mail in trusted TLS.',
      letters: [{ letter: 'before', becomes: 'encrypted', reason: 'direct-trust' }],
    },
    {
      tells:
        "The Edge's next certificate is staged: EdgeSync finds it, puts it into AD and tells the Edge so; then it takes over by itself.",
      commands: ['edge New-ExchangeCertificate -Staged', 'hub Start-EdgeSynchronization'],
      act: ({ pair }) => pair.renew('edge', { isStaged: true }),
      letters: [
        { letter: 'edge renewed out', becomes: 'encrypted', reason: 'direct-trust' },
        { letter: 'edge renewed in', direction: 'in', becomes: 'encrypted', reason: 'direct-trust' },
      ],
      facts: [keepsPrevious('edge')],
    },
    {
      tells: 'The same for the Hub.',
      commands: ['hub New-ExchangeCertificate -Staged', 'hub Start-EdgeSynchronization'],
      act: ({ pair }) => pair.renew('hub', { isStaged: true }),
      letters: [
        { letter: 'hub renewed out', becomes: 'encrypted', reason: 'direct-trust' },
        { letter: 'hub renewed in', direction: 'in', becomes: 'encrypted', reason: 'direct-trust' },
      ],
      facts: [keepsPrevious('hub'), nothingBounced],
    },
  ],
};
