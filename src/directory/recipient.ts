// A recipient of the organization: a name, its addresses, and whether the outside may write to it. On an Edge there is less
// of it: the GUID that it has in AD, and the hashes of its addresses (replicated-recipient.ts).

import { Problem } from '../problem.ts';
import { flagField, optionalText, requiredText, textListField } from './attribute-field.ts';
import { formatProxyAddresses, parseAddress, readProxyAddresses } from './proxy-address.ts';
import { defineView, type View } from './view.ts';

export interface Recipient {
  /** Unique; its `cn`. */
  readonly name: string;
  readonly displayName?: string | undefined;
  /** `SMTP:ed@contoso.com` is the primary one, `smtp:` are the others. */
  readonly proxyAddresses: readonly string[];
  /** True: mail from outside is refused, and no Edge hears of the recipient. */
  readonly requireSenderAuthentication: boolean;
  /** As password-verifier.ts makes it; who has none cannot log in. No Edge hears of it. */
  readonly passwordVerifier?: string | undefined;
}

export const recipientView: View<Recipient> = defineView('recipient', 'msExchRecipient', {
  name: requiredText('cn'),
  displayName: optionalText('msExchRecipientDisplayName'),
  proxyAddresses: textListField('proxyAddresses'),
  requireSenderAuthentication: flagField('msExchRequireAuthToSendTo', false),
  passwordVerifier: optionalText('msExchRecipientPasswordVerifier', 'exact'),
});

/** What a person or a file says of a recipient. */
export interface RecipientRequest {
  /** The primary address when absent. */
  readonly name?: string | undefined;
  readonly displayName?: string | undefined;
  readonly primaryAddress: string;
  readonly otherAddresses: readonly string[];
  readonly requireSenderAuthentication?: boolean | undefined;
  readonly passwordVerifier?: string | undefined;
}

/** The recipient that is asked for; throws Problem `bad-address` or `bad-name`. */
export function makeRecipient(request: RecipientRequest): Recipient {
  const primary = parseAddress(request.primaryAddress);
  const { displayName, passwordVerifier } = request;
  return {
    name: checkName(request.name ?? primary),
    ...(displayName === undefined || displayName === '' ? {} : { displayName }),
    proxyAddresses: formatProxyAddresses(primary, request.otherAddresses.map(parseAddress)),
    requireSenderAuthentication: request.requireSenderAuthentication ?? false,
    ...(passwordVerifier === undefined ? {} : { passwordVerifier }),
  };
}

function checkName(name: string): string {
  if (name.trim() !== '' && name.length <= 256 && !/\p{Cc}/u.test(name)) return name.trim();
  throw new Problem('bad-name', `"${name}" cannot be the name of a recipient: 1 to 256 characters that can be seen`);
}

export function primaryAddressOf({ proxyAddresses }: Recipient): string {
  return readProxyAddresses(proxyAddresses).primary ?? '';
}

/** Without their prefixes, the primary one first. */
export function addressesOf({ proxyAddresses }: Pick<Recipient, 'proxyAddresses'>): string[] {
  const { primary, others } = readProxyAddresses(proxyAddresses);
  return [...(primary === undefined ? [] : [primary]), ...others];
}
