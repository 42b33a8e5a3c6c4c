// Remove-AccessToken: a token opens nothing from now on; streams of events that it opened end within seconds.

import { defineCmdlet } from './cmdlet.ts';
import type { ServerContext } from './server-context.ts';

export const removeAccessToken = defineCmdlet({
  name: 'Remove-AccessToken',
  roles: ['hub', 'edge'],
  synopsis: 'Let a token open the Admin API no more',
  examples: ['Remove-AccessToken grafana'],
  parameters: { Identity: { type: 'string', required: true, help: 'The name of the token' } },
  positional: ['Identity'],
  table: [],
  changes: true,
  localOnly: true,
  confirm: ({ Identity }) => `Whoever has the access token ${Identity} will be shut out. Remove it?`,
  run({ accessTokens }: ServerContext, { Identity }) {
    accessTokens.remove(Identity);
    return { records: [] };
  },
});
