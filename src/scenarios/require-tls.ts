import { hasEvent, nothingBounced } from './facts.ts';
import type { Scenario } from './scenario.ts';

export const requireTls: Scenario = {
  name: 'require-tls',
  title: 'RequireTLS: rather late than in clear',
  about: [
    'With RequireTLS nothing but TLS will do. What would have gone in clear waits instead, for as long as mail may wait, and leaves when TLS is there again. It never bounces for this before its time is up.',
  ],
  steps: [
    {
      tells: 'From Hub to Edge TLS is required from now on; EdgeSync carries the setting.',
      commands: ['hub Set-TransportConfig -IntraOrgRequireTLS true', 'hub Start-EdgeSynchronization'],
      act: async ({ pair }) => {
        await pair.ask('hub', 'Set-TransportConfig', { IntraOrgRequireTLS: 'true' });
        await pair.synchronize();
      },
      letters: [{ letter: 'before', becomes: 'encrypted', reason: 'direct-trust' }],
    },
    {
      tells: 'Somebody strips STARTTLS. In the scenario "stripping" the letter went in clear; here it waits.',
      act: ({ pair }) => pair.meddle('edge', [{ do: 'strip', at: 'EHLO reply' }]),
      letters: [{ letter: 'stripped', becomes: 'waiting', reason: 'downgrade-suspected' }],
      facts: [hasEvent('hub', 2015, 'TLS is required and was not to be had'), nothingBounced],
    },
    {
      tells: 'The path is clean again, and at the next attempt the letter leaves in TLS.',
      commands: [`hub Retry-Queue -Filter "Status -eq 'Retry'"`],
      act: async ({ pair }) => {
        await pair.meddle('edge', []);
        await pair.clock.advance('1m');
      },
      letters: [{ letter: 'stripped', becomes: 'encrypted', reason: 'direct-trust' }],
    },
    {
      tells:
        "Then the Edge's certificate expires. By default mail would flow in clear; with RequireTLS it waits, and only a new certificate helps.",
      commands: ['lab clock --offset +366d'],
      act: ({ pair }) => pair.expire('edge'),
      letters: [{ letter: 'expired', becomes: 'waiting', reason: 'certificate-expired' }],
      facts: [nothingBounced],
    },
    {
      tells: 'The Edge is renewed and subscribed again.',
      commands: [
        'edge New-ExchangeCertificate',
        'edge New-EdgeSubscription -FileName edge.xml -Force',
        'hub New-EdgeSubscription -FileName edge.xml -Site Default-First-Site-Name',
      ],
      act: ({ pair }) => pair.renew('edge'),
      letters: [{ letter: 'expired', becomes: 'encrypted', reason: 'direct-trust' }],
    },
  ],
};
