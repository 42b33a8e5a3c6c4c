// Get-AccessToken: which tokens open the Admin API. The tokens themselves are known to nobody here.

import { describeAccessToken } from './access-token-record.ts';
import { defineCmdlet } from './cmdlet.ts';
import type { ServerContext } from './server-context.ts';

export const getAccessToken = defineCmdlet({
  name: 'Get-AccessToken',
  roles: ['hub', 'edge'],
  synopsis: 'Show which tokens open the Admin API',
  examples: ['Get-AccessToken'],
  parameters: {},
  table: ['Name', 'Access', 'Created', 'Expires', 'IsExpired'],
  changes: false,
  localOnly: true,
  run({ accessTokens, clock }: ServerContext) {
    return { records: accessTokens.list().map((token) => describeAccessToken(token, clock.now())) };
  },
});
