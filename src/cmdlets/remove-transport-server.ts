// Remove-TransportServer: forgets a hub that is gone for good. Exchange has no such cmdlet, since its setup removes the object of
// a server that is uninstalled; a dead one is cleared out of AD by hand there. The noun is Get-TransportServer's.

import { defineCmdlet } from './cmdlet.ts';
import { edgeSyncNotices } from './edge-sync-notice.ts';
import { findByIdentity } from './object-identity.ts';
import { requireHub } from './roles.ts';
import type { ServerContext } from './server-context.ts';
import { TRANSPORT_SERVER_NOUN } from './transport-server-record.ts';

export const removeTransportServer = defineCmdlet({
  name: 'Remove-TransportServer',
  roles: ['hub'],
  synopsis: 'Forget a hub that is gone for good',
  description:
    'Removes the object of another hub from AD, its Receive connectors, its credentials and its place in every Send connector; a connector whose only source it was goes with it. The next round of EdgeSync takes its certificate, its account and its place as smart host from the Edges. Stop the hub first: one that is started again makes its object anew.',
  examples: ['Remove-TransportServer HUB02'],
  parameters: { Identity: { type: 'string', required: true, help: 'Name or GUID of the hub' } },
  positional: ['Identity'],
  table: [],
  changes: true,
  confirm: ({ Identity }) => `Remove the hub "${Identity}" from AD? It must be stopped for good.`,
  async run(context: ServerContext, { Identity }) {
    const { activeDirectory } = requireHub(context);
    await activeDirectory.refresh();
    const scope = { noun: TRANSPORT_SERVER_NOUN, serverName: context.config.netbiosName };
    const { name } = findByIdentity(activeDirectory.snapshot().servers, Identity, scope);
    await activeDirectory.removeServer(name);
    return { records: [], notices: [...edgeSyncNotices(context), ...accountNotices(context, name)] };
  },
});

/** A key to AD that outlives its server opens AD to whoever finds it. */
function accountNotices(context: ServerContext, name: string): readonly string[] {
  const { directoryAccounts } = requireHub(context).activeDirectory.snapshot();
  const hubs = directoryAccounts.filter(({ kind }) => kind === 'Hub').map((account) => account.name);
  if (hubs.length === 0) return [];
  return [
    `Accounts by which hubs come into this AD: ${hubs.join(', ')}. Remove that of ${name}, if it is among them, with Remove-DirectoryAccount.`,
  ];
}
