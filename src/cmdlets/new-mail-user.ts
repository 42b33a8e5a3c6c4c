// New-MailUser: one more recipient with its addresses.

import { makeRecipient } from '../directory/recipient.ts';
import { makeUserPassword } from '../directory/user-logins.ts';
import { defineCmdlet } from './cmdlet.ts';
import { edgeSyncNotices } from './edge-sync-notice.ts';
import { describeRecipient, PASSWORD_HELP, RECIPIENT_TABLE, SENDER_AUTHENTICATION_HELP } from './recipient-record.ts';
import { requireHub } from './roles.ts';
import type { ServerContext } from './server-context.ts';

export const newMailUser = defineCmdlet({
  name: 'New-MailUser',
  roles: ['hub'],
  synopsis: 'Make a recipient',
  description: 'An Edge that validates recipients takes mail to its addresses after the next synchronization.',
  examples: [
    'New-MailUser -Name "Ed Meadows" -PrimarySmtpAddress ed@contoso.com -EmailAddresses meadows@contoso.com',
    'New-MailUser -Name "Jo Berry" -PrimarySmtpAddress jo@contoso.com -PasswordFile -',
  ],
  parameters: {
    Name: { type: 'string', required: true, help: 'What to call it; unique' },
    PrimarySmtpAddress: { type: 'string', required: true, help: 'Its address' },
    EmailAddresses: { type: 'strings', help: 'Every further address' },
    DisplayName: { type: 'string', help: 'What people call it; the name when absent' },
    RequireSenderAuthenticationEnabled: { type: 'boolean', default: '$false', help: SENDER_AUTHENTICATION_HELP },
    Password: { type: 'secret', help: PASSWORD_HELP },
  },
  positional: ['Name'],
  table: RECIPIENT_TABLE,
  changes: true,
  async run(context: ServerContext, given) {
    const { recipients } = requireHub(context).activeDirectory;
    const recipient = makeRecipient({
      name: given.Name,
      displayName: given.DisplayName,
      primaryAddress: given.PrimarySmtpAddress,
      otherAddresses: given.EmailAddresses ?? [],
      requireSenderAuthentication: given.RequireSenderAuthenticationEnabled,
      passwordVerifier: given.Password === undefined ? undefined : await makeUserPassword(given.Password),
    });
    await recipients.add(recipient);
    const made = await recipients.find(recipient.name);
    return { records: [describeRecipient(made)], notices: edgeSyncNotices(context) };
  },
});
