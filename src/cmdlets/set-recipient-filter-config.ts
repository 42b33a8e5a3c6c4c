// Set-RecipientFilterConfig: whether this Edge looks recipients up. Set on each Edge; EdgeSync leaves it alone.

import { DEFAULT_RECIPIENT_FILTER, isValidating, type RecipientFilterConfig } from '../directory/recipient-filter.ts';
import { findCookie } from '../directory/edge-sync-cookie.ts';
import { defineCmdlet } from './cmdlet.ts';
import { changesOf, unchangedWarnings } from './given-changes.ts';
import type { Adam } from '../directory/adam.ts';
import { requireEdge } from './roles.ts';
import type { ServerContext } from './server-context.ts';

export const setRecipientFilterConfig = defineCmdlet({
  name: 'Set-RecipientFilterConfig',
  roles: ['edge'],
  synopsis: 'Refuse unknown recipients, or take mail for everybody',
  description:
    'With validation a stranger who names a recipient that EdgeSync has not brought is answered 550 5.1.1 at RCPT. Only authoritative accepted domains are looked at: recipients of a relay domain may be elsewhere.',
  examples: ['Set-RecipientFilterConfig -RecipientValidationEnabled true'],
  parameters: {
    Enabled: { type: 'boolean', help: 'Whether recipients are filtered at all' },
    RecipientValidationEnabled: {
      type: 'boolean',
      help: 'Refuse recipients of authoritative domains that are not known',
    },
  },
  table: [],
  changes: true,
  async run(context: ServerContext, given) {
    const { adam } = requireEdge(context);
    const changes = changesOf<RecipientFilterConfig>({
      enabled: given.Enabled,
      recipientValidationEnabled: given.RecipientValidationEnabled,
    });
    const before = adam.snapshot().recipientFilter ?? DEFAULT_RECIPIENT_FILTER;
    const next = { ...before, ...changes };
    await adam.setRecipientFilter(next);
    return { records: [], warnings: [...unchangedWarnings(next.name, changes), ...(await emptyWarnings(adam, next))] };
  },
});

/** With validation and without recipients every recipient is unknown, before the first synchronization for the time being. */
async function emptyWarnings(adam: Adam, config: RecipientFilterConfig): Promise<readonly string[]> {
  if (!isValidating(config)) return [];
  const { version = 0 } = findCookie(adam.snapshot().self.edgeSyncCookies ?? [], 'Recipients') ?? {};
  if (version === 0) {
    return ['No recipient has come by EdgeSync yet: every recipient of an authoritative domain is refused until then.'];
  }
  if (await adam.hasRecipients()) return [];
  return [
    'The Hub has no recipient for this Edge: every recipient of an authoritative domain is refused with 550. Make them there with New-MailUser or Import-Recipient and run Start-EdgeSynchronization.',
  ];
}
