// Get-EventLog: the events of this server, named and numbered as Exchange's. PowerShell's cmdlet of that name reads Windows'
// Application log; here there is one log, and it may be called so.

import type { EventLevel, EventSource } from '../tracking/event.ts';
import type { EventRecord } from '../tracking/event-log.ts';
import { EVENTS } from '../tracking/events.ts';
import { defineCmdlet } from './cmdlet.ts';
import type { OutputRecord } from './output.ts';
import type { ServerContext } from './server-context.ts';

const SOURCES: readonly EventSource[] = [...new Set(Object.values(EVENTS).map(({ source }) => source))];
const LEVELS = ['Information', 'Warning', 'Error'] as const satisfies readonly EventLevel[];

export const getEventLog = defineCmdlet({
  name: 'Get-EventLog',
  roles: ['hub', 'edge'],
  synopsis: 'Show the events of this server, the last one first',
  description: 'What repeats within an hour stands there once; Suppressed says how many more there were.',
  examples: [
    'Get-EventLog -Newest 10',
    'Get-EventLog Application -Source MSExchangeTransport -EntryType Warning',
    'Get-EventLog -EventId 12015 --list',
  ],
  parameters: {
    LogName: { type: 'enum', choices: ['Application'], help: 'The log: there is only this one' },
    Newest: { type: 'integer', minimum: 1, default: '1000', help: 'At most so many of the last ones' },
    EventId: { type: 'integer', minimum: 0, help: 'Only events with this number' },
    Source: { type: 'enum', choices: SOURCES, help: 'Only events of this source' },
    EntryType: { type: 'enum', choices: LEVELS, help: 'Only events of this gravity' },
    After: { type: 'date', help: 'From this moment on' },
    Before: { type: 'date', help: 'Until this moment' },
  },
  positional: ['LogName'],
  table: ['Time', 'EntryType', 'Source', 'EventId', 'Message'],
  changes: false,
  async run({ events }: ServerContext, { Newest, EventId, Source, EntryType, After, Before }) {
    const query = { id: EventId, source: Source, level: EntryType, after: After, before: Before, limit: Newest };
    const records = await events.read(query);
    return { records: records.map(describeEvent) };
  },
});

/** The properties in their order. */
export function describeEvent(event: EventRecord): OutputRecord {
  return {
    Time: event.time,
    EntryType: event.level,
    Source: event.source,
    EventId: event.id,
    InstanceId: event.id,
    SymbolicName: event.symbolicName,
    Message: event.message,
    Facts: event.facts,
    Suppressed: event.suppressed,
  };
}
