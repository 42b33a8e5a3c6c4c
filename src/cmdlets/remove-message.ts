// Remove-Message: takes messages out of the queues for good, with a report to the sender unless it is not wanted.

import { chooseMessages, MESSAGE_CHOICE, reportMessages } from './chosen-messages.ts';
import { defineCmdlet } from './cmdlet.ts';
import { refuseOtherServer, SERVER } from './own-server.ts';
import type { ServerContext } from './server-context.ts';

export const removeMessage = defineCmdlet({
  name: 'Remove-Message',
  roles: ['hub', 'edge'],
  synopsis: 'Remove messages from their queues',
  description:
    'A message is removed from the queue that is named, for the recipients that go there. One under delivery is removed as soon as that has ended, if anything of it is left. A damaged one is removed from Poison for good; its sender is told where the envelope can still be believed.',
  examples: [
    'Remove-Message HUB01\\3\\17',
    'Remove-Message 17 -WithNDR $false',
    `Remove-Message -Filter "FromAddress -eq 'spammer@example.com'" -WithNDR $false`,
  ],
  parameters: {
    ...MESSAGE_CHOICE,
    WithNDR: { type: 'boolean', default: '$true', help: 'Sends a non-delivery report to the sender' },
    Server: SERVER,
  },
  positional: ['Identity'],
  table: [],
  changes: true,
  confirm: ({ Identity, Filter }) =>
    Identity === undefined ? `Remove all messages with ${Filter ?? 'no filter'}?` : `Remove the message ${Identity}?`,
  async run(context: ServerContext, { WithNDR, Server, ...choice }) {
    refuseOtherServer(context.config, Server);
    const chosen = await chooseMessages(context, 'Remove-Message', { ...choice, withDamaged: true });
    const reason = WithNDR ? `by an administrator of ${context.config.fqdn}` : undefined;
    return reportMessages(await context.queue.administration.remove(chosen, { reason }), 'removed');
  },
});
