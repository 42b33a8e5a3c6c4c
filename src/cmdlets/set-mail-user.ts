// Set-MailUser: names and addresses of a recipient. A new primary address keeps the old one as a further address, as in
// Exchange, unless all addresses are given.

import { addressesOf, makeRecipient, primaryAddressOf, type Recipient } from '../directory/recipient.ts';
import { makeUserPassword } from '../directory/user-logins.ts';
import { parseAddress } from '../directory/proxy-address.ts';
import { Problem } from '../problem.ts';
import { defineCmdlet } from './cmdlet.ts';
import { edgeSyncNotices } from './edge-sync-notice.ts';
import { changesOf, unchangedWarnings } from './given-changes.ts';
import { EMAIL_ADDRESSES_HELP, IDENTITY_HELP, PASSWORD_HELP, SENDER_AUTHENTICATION_HELP } from './recipient-record.ts';
import { requireHub } from './roles.ts';
import type { ServerContext } from './server-context.ts';

interface GivenAddresses {
  readonly primary: string | undefined;
  readonly all: readonly string[] | undefined;
}

export const setMailUser = defineCmdlet({
  name: 'Set-MailUser',
  roles: ['hub'],
  synopsis: 'Change a recipient',
  examples: [
    'Set-MailUser ed@contoso.com -PrimarySmtpAddress ed.meadows@contoso.com',
    'Set-MailUser ed@contoso.com -PasswordFile -',
    'Set-MailUser "Ed Meadows" -RequireSenderAuthenticationEnabled true',
  ],
  parameters: {
    Identity: { type: 'string', required: true, help: IDENTITY_HELP },
    Name: { type: 'string', help: 'Its new name' },
    DisplayName: { type: 'string', help: 'What people call it' },
    PrimarySmtpAddress: { type: 'string', help: 'Its new primary address; the one before stays as a further one' },
    EmailAddresses: { type: 'strings', help: EMAIL_ADDRESSES_HELP },
    RequireSenderAuthenticationEnabled: { type: 'boolean', help: SENDER_AUTHENTICATION_HELP },
    Password: { type: 'secret', help: PASSWORD_HELP },
    RemovePassword: { type: 'switch', help: 'Let the user log in no more' },
  },
  positional: ['Identity'],
  table: [],
  changes: true,
  async run(context: ServerContext, given) {
    const { recipients } = requireHub(context).activeDirectory;
    const before = await recipients.find(given.Identity);
    const changes = changesOf<Pick<Recipient, 'name' | 'displayName' | 'requireSenderAuthentication'>>({
      name: given.Name,
      displayName: given.DisplayName,
      requireSenderAuthentication: given.RequireSenderAuthenticationEnabled,
    });
    const addresses = { primary: given.PrimarySmtpAddress, all: given.EmailAddresses };
    const isAddressed = addresses.primary !== undefined || addresses.all !== undefined;
    const passwordVerifier = await choosePassword(before, given);
    const next = makeRecipient({ ...before, ...changes, ...chooseAddresses(before, addresses), passwordVerifier });
    await recipients.replace(before.name, next);
    const isChanged = isAddressed || Object.keys(changes).length > 0;
    const hasOtherPassword = passwordVerifier !== before.passwordVerifier;
    return {
      records: [],
      notices: isChanged ? edgeSyncNotices(context) : [],
      warnings: isChanged || hasOtherPassword ? [] : unchangedWarnings(before.name, changes),
    };
  },
});

async function choosePassword(
  before: Recipient,
  { Password, RemovePassword }: { readonly Password: string | undefined; readonly RemovePassword: boolean },
): Promise<string | undefined> {
  if (RemovePassword && Password !== undefined) {
    throw new Problem('bad-value', 'give -Password for a new password or -RemovePassword for none, not both');
  }
  if (RemovePassword) return undefined;
  return Password === undefined ? before.passwordVerifier : makeUserPassword(Password);
}

function chooseAddresses(
  before: Recipient,
  { primary, all }: GivenAddresses,
): { primaryAddress: string; otherAddresses: readonly string[] } {
  const marked = all?.filter((address) => address.startsWith('SMTP:')) ?? [];
  if (marked.length > 1) {
    throw new Problem(
      'bad-address',
      `only one address can be primary, not ${marked.join(' and ')}: write smtp: before others`,
    );
  }
  return {
    primaryAddress: parseAddress(primary ?? marked[0] ?? primaryAddressOf(before)),
    otherAddresses: all ?? addressesOf(before),
  };
}
