// Remove-EdgeSubscription. On a Hub the Edge leaves AD, its credentials and its connectors with it; on an Edge everything that
// EdgeSync brought is deleted and its own cmdlets work again. To end a subscription wholly, run it on both.

import { createEvent } from '../tracking/events.ts';
import { Problem } from '../problem.ts';
import { defineCmdlet } from './cmdlet.ts';
import { requireEdge } from './roles.ts';
import type { ServerContext } from './server-context.ts';

export const removeEdgeSubscription = defineCmdlet({
  name: 'Remove-EdgeSubscription',
  roles: ['hub', 'edge'],
  synopsis: 'End an Edge Subscription on this side',
  parameters: { Identity: { type: 'string', required: true, help: 'The name of the Edge' } },
  positional: ['Identity'],
  table: [],
  changes: true,
  confirm: ({ Identity }) => `Remove the Edge Subscription of ${Identity} on this server?`,
  async run(context: ServerContext, { Identity }) {
    if (context.hub) await context.hub.activeDirectory.unsubscribe(Identity);
    else await removeOnEdge(context, Identity);
    context.events.record(createEvent('EdgeSubscriptionRemoved', { edge: Identity }));
    const other = context.hub ? 'Edge' : 'Hub';
    return {
      records: [],
      notices: [
        `The subscription of ${Identity} is removed here. Run Remove-EdgeSubscription ${Identity} on the ${other} too, unless it is to be subscribed again.`,
      ],
    };
  },
});

async function removeOnEdge(context: ServerContext, name: string): Promise<void> {
  const { netbiosName } = context.config;
  if (name.toLowerCase() !== netbiosName.toLowerCase())
    throw new Problem('not-found', `this Edge is ${netbiosName}, not "${name}"`);
  await requireEdge(context).adam.removeSubscription();
}
