// Remove-MailUser: a recipient less. An Edge that validates recipients refuses mail to it after the next synchronization.

import { defineCmdlet } from './cmdlet.ts';
import { edgeSyncNotices } from './edge-sync-notice.ts';
import { IDENTITY_HELP } from './recipient-record.ts';
import { requireHub } from './roles.ts';
import type { ServerContext } from './server-context.ts';

export const removeMailUser = defineCmdlet({
  name: 'Remove-MailUser',
  roles: ['hub'],
  synopsis: 'Remove a recipient',
  examples: ['Remove-MailUser ed@contoso.com'],
  parameters: { Identity: { type: 'string', required: true, help: IDENTITY_HELP } },
  positional: ['Identity'],
  table: [],
  changes: true,
  confirm: ({ Identity }) => `Remove the recipient "${Identity}"?`,
  async run(context: ServerContext, { Identity }) {
    const { recipients } = requireHub(context).activeDirectory;
    await recipients.remove((await recipients.find(Identity)).name);
    return { records: [], notices: edgeSyncNotices(context) };
  },
});
