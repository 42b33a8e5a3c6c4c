// Get-Message: the messages that wait in the queues of this server. A message whose recipients go to several hops is listed
// once in each, with one number in all of them. What is in no queue yet is Submission's; what was set aside is Poison's.

import { setImmediate as letOthersRun } from 'node:timers/promises';
import { defineCmdlet } from './cmdlet.ts';
import { parseFilterExpression, type RecordFilter } from './filter-expression.ts';
import { findPlaces, type PlaceChoice } from './message-place.ts';
import { describePlace, MESSAGE_PROPERTIES } from './message-record.ts';
import type { OutputRecord } from './output.ts';
import { refuseOtherServer, SERVER } from './own-server.ts';
import { PAGE_PARAMETERS, readPageOrder, takePage } from './result-page.ts';
import type { ServerContext } from './server-context.ts';

export const getMessage = defineCmdlet({
  name: 'Get-Message',
  roles: ['hub', 'edge'],
  synopsis: 'List the messages that wait in the queues of this server',
  description:
    'A message whose recipients go to several next hops is listed in each of their queues. Poison holds what is not tried any more until somebody decides: its LastError says why.',
  examples: [
    'Get-Message',
    'Get-Message -Queue 3',
    'Get-Message HUB01\\3\\17 -IncludeRecipientInfo --list',
    `Get-Message -Filter "FromAddress -like '*@contoso.com' -and Size -gt 1MB"`,
    `Get-Message -Filter "MessageLatency -gt 4h" -SortOrder "-Size" -ResultSize 20`,
  ],
  parameters: {
    Identity: { type: 'string', help: 'Only this message: HUB01\\3\\17, 3\\17, or 17 for all queues' },
    Queue: { type: 'string', help: 'Only messages of this queue, named as for Get-Queue' },
    Filter: { type: 'string', help: 'Only messages whose properties compare so' },
    ...PAGE_PARAMETERS,
    IncludeRecipientInfo: {
      type: 'switch',
      help: 'Shows status and last error of each recipient, not only its address',
    },
    Server: SERVER,
  },
  positional: ['Identity'],
  table: ['Identity', 'FromAddress', 'Status', 'Queue', 'Subject'],
  changes: false,
  run(context: ServerContext, { Identity, Queue, Filter, IncludeRecipientInfo, Server, ...wish }) {
    refuseOtherServer(context.config, Server);
    const matches = Filter === undefined ? () => true : parseFilterExpression(Filter, MESSAGE_PROPERTIES);
    const order = readPageOrder(wish, MESSAGE_PROPERTIES);
    const choice = { identity: Identity, queue: Queue };
    return takePage(describePlaces(context, choice, { matches, isDetailed: IncludeRecipientInfo }), wish, order);
  },
});

/** So many are looked at before mail has its turn. */
const SLICE = 200;

/** One by one, so that no more are made than are shown. */
async function* describePlaces(
  context: ServerContext,
  choice: PlaceChoice,
  { matches, isDetailed }: { matches: RecordFilter; isDetailed: boolean },
): AsyncGenerator<OutputRecord> {
  let looked = 0;
  for await (const place of findPlaces(context, choice)) {
    const record = await describePlace(context, place, isDetailed);
    if (record && matches(record)) yield record;
    looked += 1;
    if (looked % SLICE === 0) await letOthersRun();
  }
}
