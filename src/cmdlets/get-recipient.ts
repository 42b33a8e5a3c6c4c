// Get-Recipient: whom the organization has, or who has an address.

import { defineCmdlet } from './cmdlet.ts';
import { describeRecipient, IDENTITY_HELP, RECIPIENT_TABLE } from './recipient-record.ts';
import { limitRecords, RESULT_SIZE, searchSize } from './result-size.ts';
import { requireHub } from './roles.ts';
import type { ServerContext } from './server-context.ts';

export const getRecipient = defineCmdlet({
  name: 'Get-Recipient',
  roles: ['hub'],
  synopsis: 'Show the recipients of the organization',
  description: 'On an Edge there is nothing to show: it holds only hashes of addresses.',
  examples: ['Get-Recipient', 'Get-Recipient ed@contoso.com --list'],
  parameters: {
    Identity: { type: 'string', help: `${IDENTITY_HELP}; all when absent` },
    ResultSize: RESULT_SIZE,
  },
  positional: ['Identity'],
  table: RECIPIENT_TABLE,
  changes: false,
  async run(context: ServerContext, { Identity, ResultSize }) {
    const { recipients } = requireHub(context).activeDirectory;
    if (Identity !== undefined) return { records: [describeRecipient(await recipients.find(Identity))] };
    const found = await recipients.list(searchSize(ResultSize));
    return limitRecords(found.map(describeRecipient), ResultSize);
  },
});
