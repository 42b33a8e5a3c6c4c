// Get-RecipientFilterConfig: whether this Edge looks recipients up.

import { DEFAULT_RECIPIENT_FILTER } from '../directory/recipient-filter.ts';
import { defineCmdlet } from './cmdlet.ts';
import { requireEdge } from './roles.ts';
import type { ServerContext } from './server-context.ts';

export const getRecipientFilterConfig = defineCmdlet({
  name: 'Get-RecipientFilterConfig',
  roles: ['edge'],
  synopsis: 'Show whether unknown recipients are refused',
  parameters: {},
  table: ['Name', 'Enabled', 'RecipientValidationEnabled'],
  changes: false,
  run(context: ServerContext) {
    const config = requireEdge(context).adam.snapshot().recipientFilter ?? DEFAULT_RECIPIENT_FILTER;
    const { name, enabled, recipientValidationEnabled } = config;
    return {
      records: [{ Name: name, Enabled: enabled, RecipientValidationEnabled: recipientValidationEnabled }],
    };
  },
});
