// Suspend-Node: has a server that shares the spool take nothing more and hand over what it holds.

import { defineCmdlet } from './cmdlet.ts';
import { chooseNode, isTakingMail, NODE_IDENTITY, requireNodes } from './node-record.ts';
import type { ServerContext } from './server-context.ts';

export const suspendNode = defineCmdlet({
  name: 'Suspend-Node',
  roles: ['hub', 'edge'],
  synopsis: 'Have a node take no more mail and hand over what it holds',
  description:
    'Clients hear 421 4.3.2 and go elsewhere; messages and deliveries under way are finished, the rest goes to the other nodes of the spool, suspended messages too. It can be said at any node of the spool, also of one that is down; it stands in the database until Resume-Node, over restarts. Get-Node shows Suspended once the node holds nothing.',
  examples: ['Suspend-Node HUB02'],
  parameters: { Identity: { ...NODE_IDENTITY, required: true } },
  positional: ['Identity'],
  table: [],
  changes: true,
  async run(context: ServerContext, { Identity }) {
    const nodes = requireNodes(context, 'Suspend-Node');
    const node = await chooseNode(nodes, Identity);
    await nodes.suspend(node, context.config.netbiosName);
    const isNobodyLeft = !(await nodes.list()).some(isTakingMail);
    return {
      records: [],
      notices: [`${node.name} is suspended; Get-Node shows how far it has come.`],
      ...(isNobodyLeft && { warnings: ['no node of this spool takes mail now'] }),
    };
  },
});
