// What ADAM holds, as one immutable value, and the state of the Edge's subscription in it: NotSubscribed → Exported (the
// subscription file was written) → Subscribed (a hub has an account of its own) → NotSubscribed (Remove-EdgeSubscription).

import type { LdapEntry } from '../ldap/entry.ts';
import { type Account, accountView } from './account.ts';
import type { Layout } from './layout.ts';
import { type OrganizationSnapshot, readOrganization, readShelf } from './organization.ts';
import { type RecipientFilterConfig, recipientFilterView } from './recipient-filter.ts';
import type { Recorded } from './view.ts';

export type SubscriptionState = 'NotSubscribed' | 'Exported' | 'Subscribed';

export interface AdamSnapshot extends OrganizationSnapshot {
  readonly subscriptionState: SubscriptionState;
  readonly accounts: readonly Recorded<Account>[];
  /** Undefined until it is set: then the defaults hold. */
  readonly recipientFilter: Recorded<RecipientFilterConfig> | undefined;
}

/** ADAM as the entries say it; throws Problem `object-unreadable`. */
export function understandAdam(entries: readonly LdapEntry[], layout: Layout, ownName: string): AdamSnapshot {
  const organization = readOrganization(entries, layout, ownName);
  const accounts = readShelf(entries, layout.services, accountView);
  const [recipientFilter] = readShelf(entries, layout.messageHygiene, recipientFilterView);
  return { ...organization, accounts, recipientFilter, subscriptionState: stateOf(organization, accounts) };
}

function stateOf({ self }: OrganizationSnapshot, accounts: readonly Account[]): SubscriptionState {
  if (!self.subscriptionExportedAt) return 'NotSubscribed';
  return accounts.some(({ kind }) => kind === 'replication') ? 'Subscribed' : 'Exported';
}
