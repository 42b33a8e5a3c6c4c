// The event logs of the servers, in one list, as they grow.

import { useState } from 'preact/hooks';
import { text } from './fields.ts';
import { mergeEvents } from './event-list.ts';
import { servers } from './pair.ts';
import { RecordTable } from './record-table.tsx';
import { safe } from './said.tsx';
import { texts } from './texts.ts';
import { writeInstant } from './times.ts';

const words = texts.events;
const KINDS = ['Error', 'Warning', 'Information'] as const;
const SHOWN = 200;

export function EventsView() {
  const [kind, setKind] = useState('');
  const [name, setName] = useState('');
  const lists = servers.value.map((server) => ({ server: server.name, events: server.events.value }));
  const shown = mergeEvents(lists, { kind, server: name }).slice(0, SHOWN);
  return (
    <section aria-labelledby="events-title">
      <h1 id="events-title">{words.title}</h1>
      <form class="filters card" onSubmit={(event) => event.preventDefault()}>
        <label>
          <span>{words.kind}</span>
          <select value={kind} onChange={(event) => setKind(event.currentTarget.value)}>
            <option value="">{words.any}</option>
            {KINDS.map((each) => (
              <option key={each} value={each}>
                {words.kinds[each]}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span>{texts.tracking.server}</span>
          <select value={name} onChange={(event) => setName(event.currentTarget.value)}>
            <option value="">{words.any}</option>
            {servers.value.map((server) => (
              <option key={server.name} value={server.name}>
                {safe(server.name)}
              </option>
            ))}
          </select>
        </label>
      </form>
      <section class="card" aria-label={words.title}>
        <RecordTable
          label={words.title}
          none={words.none}
          records={shown}
          keyOf={(record, index) =>
            `${text(record, 'Server')}${text(record, 'Time')}${text(record, 'EventId')}${index}`
          }
          columns={[
            {
              title: texts.tracking.time,
              cell: (record) => <span class="nowrap">{writeInstant(safe(text(record, 'Time')))}</span>,
            },
            { title: texts.tracking.server, cell: (record) => safe(text(record, 'Server')) },
            {
              title: words.kind,
              cell: (record) => {
                const entry = KINDS.find((each) => each === text(record, 'EntryType'));
                return <span class={`event-kind event-${entry ?? ''}`}>{entry ? words.kinds[entry] : ''}</span>;
              },
            },
            {
              title: texts.tracking.event,
              cell: (record) => (
                <>
                  {safe(text(record, 'EventId'))} <span class="quiet">{safe(text(record, 'SymbolicName'))}</span>
                </>
              ),
            },
            { title: words.message, isLong: true, cell: (record) => safe(text(record, 'Message'), 1000) },
          ]}
        />
      </section>
    </section>
  );
}
