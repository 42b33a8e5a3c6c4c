// Suspend-Message: keeps messages where they are until Resume-Message.

import { chooseMessages, MESSAGE_CHOICE, reportMessages } from './chosen-messages.ts';
import { defineCmdlet } from './cmdlet.ts';
import { refuseOtherServer, SERVER } from './own-server.ts';
import type { ServerContext } from './server-context.ts';

export const suspendMessage = defineCmdlet({
  name: 'Suspend-Message',
  roles: ['hub', 'edge'],
  synopsis: 'Keep messages from being sent',
  description:
    'A message is suspended in all queues it is in, over a restart too, and does not expire meanwhile. One under delivery is suspended as soon as that has ended, if anything of it is left.',
  examples: ['Suspend-Message HUB01\\3\\17', `Suspend-Message -Filter "FromAddress -like '*@contoso.com'"`],
  parameters: { ...MESSAGE_CHOICE, Server: SERVER },
  positional: ['Identity'],
  table: [],
  changes: true,
  async run(context: ServerContext, { Server, ...choice }) {
    refuseOtherServer(context.config, Server);
    const chosen = await chooseMessages(context, 'Suspend-Message', choice);
    const ids = new Set(chosen.map(({ id }) => id));
    return reportMessages(await context.queue.administration.suspend(ids), 'suspended');
  },
});
