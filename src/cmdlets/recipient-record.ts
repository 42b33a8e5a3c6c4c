// A recipient as records show it, with the names that Exchange gives to a mail user's properties.

import { addressesOf, primaryAddressOf, type Recipient } from '../directory/recipient.ts';
import type { Recorded } from '../directory/view.ts';
import { describeObject } from './object-identity.ts';
import type { OutputRecord } from './output.ts';

export const RECIPIENT_TABLE = ['Name', 'RecipientType', 'PrimarySmtpAddress'] as const;

export const IDENTITY_HELP = 'Name, address or GUID of the recipient';

export const EMAIL_ADDRESSES_HELP = 'Every further address; one written as SMTP:ed@contoso.com becomes the primary one';

export const SENDER_AUTHENTICATION_HELP =
  'Refuse mail from outside: no Edge hears of the recipient, and one that validates recipients does not know it';

export const PASSWORD_HELP = 'What the user logs in with to hand in mail, beside its name or an address of it';

export function describeRecipient(recipient: Recorded<Recipient>): OutputRecord {
  const primary = primaryAddressOf(recipient);
  return {
    RecipientType: 'MailUser',
    DisplayName: recipient.displayName ?? recipient.name,
    PrimarySmtpAddress: primary,
    EmailAddresses: addressesOf(recipient).map((address) => `${address === primary ? 'SMTP' : 'smtp'}:${address}`),
    RequireSenderAuthenticationEnabled: recipient.requireSenderAuthentication,
    LoginEnabled: recipient.passwordVerifier !== undefined,
    ...describeObject(recipient, recipient.name),
  };
}
