// Get-Node: the servers that share this server's spool, what each of them holds, and whether it is what the others are.

import { defineCmdlet } from './cmdlet.ts';
import { chooseNodes, describeNode, listNodes, NODE_IDENTITY } from './node-record.ts';
import type { ServerContext } from './server-context.ts';

export const getNode = defineCmdlet({
  name: 'Get-Node',
  roles: ['hub', 'edge'],
  synopsis: 'Show the servers that share the spool, and what each of them holds',
  description:
    'State is Up; Suspending while it hands over and Suspended once it holds nothing; Silent when it has shown no life for a whole lease, so that others take over what it holds; Down when it is not there and was suspended. DirectoryState is Current, Stale (it goes on with its last good state), Behind (it lacks changes that others have) or Unknown. With an embedded spool there is one node.',
  examples: ['Get-Node', 'Get-Node HUB02 | fl', 'Get-Node | where DirectoryState -ne Current'],
  parameters: { Identity: NODE_IDENTITY },
  positional: ['Identity'],
  table: ['Name', 'State', 'Messages', 'Sessions', 'StartTime', 'Version', 'DirectoryState'],
  changes: false,
  async run(context: ServerContext, { Identity }) {
    const nodes = await listNodes(context);
    const chosen = chooseNodes(nodes, Identity);
    const free = (await context.spool.count()).messages - nodes.reduce((sum, { messages }) => sum + messages, 0);
    const notices = free > 0 ? [`Messages that no node holds: ${free.toLocaleString('en-US')}.`] : [];
    return { records: chosen.map(describeNode), notices };
  },
});
