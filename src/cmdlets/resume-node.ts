// Resume-Node: lets a suspended node take mail again.

import { defineCmdlet } from './cmdlet.ts';
import { chooseNode, NODE_IDENTITY, requireNodes } from './node-record.ts';
import type { ServerContext } from './server-context.ts';

export const resumeNode = defineCmdlet({
  name: 'Resume-Node',
  roles: ['hub', 'edge'],
  synopsis: 'Let a suspended node take mail again',
  description: 'It can be said at any node of the spool; a node that is down takes mail when it starts.',
  examples: ['Resume-Node HUB02'],
  parameters: { Identity: { ...NODE_IDENTITY, required: true } },
  positional: ['Identity'],
  table: [],
  changes: true,
  async run(context: ServerContext, { Identity }) {
    const nodes = requireNodes(context, 'Resume-Node');
    const node = await chooseNode(nodes, Identity);
    await nodes.resume(node);
    return { records: [], notices: [`${node.name} takes mail.`] };
  },
});
