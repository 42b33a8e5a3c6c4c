// Get-Counter: the server's metrics of the moment, named as Prometheus names them.

import { defineCmdlet } from './cmdlet.ts';
import { matchesWildcards } from './wildcards.ts';
import type { ServerContext } from './server-context.ts';

export const getCounter = defineCmdlet({
  name: 'Get-Counter',
  roles: ['hub', 'edge'],
  synopsis: 'Show the counters of this server',
  description: 'Names are those of metrics. Counters begin at 0 when the server starts.',
  examples: ['Get-Counter', 'Get-Counter relaypair_directory*'],
  parameters: {
    Counter: { type: 'string', help: 'Only counters of this name; * stands for anything' },
  },
  positional: ['Counter'],
  table: ['Counter', 'Labels', 'Value'],
  changes: false,
  async run(context: ServerContext, parameters) {
    const wanted = (parameters.Counter ?? '*').toLowerCase();
    const samples = await context.metrics.read();
    return {
      records: samples
        .filter(({ name }) => matchesWildcards(name, wanted))
        .map(({ name, labels, value, help }) => ({
          Counter: name,
          Labels: Object.entries(labels).map(([label, text]) => `${label}=${text}`),
          Value: value,
          Description: help,
        })),
    };
  },
});
