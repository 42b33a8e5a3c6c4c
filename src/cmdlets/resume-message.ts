// Resume-Message: lets suspended messages be sent.

import { chooseMessages, MESSAGE_CHOICE, reportMessages } from './chosen-messages.ts';
import { defineCmdlet } from './cmdlet.ts';
import { refuseOtherServer, SERVER } from './own-server.ts';
import type { ServerContext } from './server-context.ts';

export const resumeMessage = defineCmdlet({
  name: 'Resume-Message',
  roles: ['hub', 'edge'],
  synopsis: 'Let suspended messages be sent',
  description: 'They are tried at once, in all queues they are in.',
  examples: ['Resume-Message HUB01\\3\\17', `Resume-Message -Filter "Status -eq 'Suspended'"`],
  parameters: { ...MESSAGE_CHOICE, Server: SERVER },
  positional: ['Identity'],
  table: [],
  changes: true,
  async run(context: ServerContext, { Server, ...choice }) {
    refuseOtherServer(context.config, Server);
    const chosen = await chooseMessages(context, 'Resume-Message', choice);
    const ids = new Set(chosen.map(({ id }) => id));
    return reportMessages(await context.queue.administration.resume(ids), 'resumed');
  },
});
