// The event logs of the servers, as they grow.

import { text } from './fields.ts';
import { servers } from './pair.ts';
import { RecordTable } from './record-table.tsx';
import { safe } from './said.tsx';
import type { Server } from './server.ts';
import { texts } from './texts.ts';

export function EventsView() {
  return (
    <section aria-labelledby="events-title">
      <h1 id="events-title">{texts.events.title}</h1>
      {servers.value.map((server) => (
        <EventsOf key={server.name} server={server} />
      ))}
    </section>
  );
}

function EventsOf({ server }: { readonly server: Server }) {
  return (
    <section class="card">
      <h2>{safe(server.name)}</h2>
      <RecordTable
        label={server.name}
        none={texts.events.none}
        records={server.events.value}
        keyOf={(record) => text(record, 'Time') + text(record, 'EventId')}
        columns={[
          { title: 'Time', cell: (record) => safe(text(record, 'Time')) },
          { title: 'Kind', cell: (record) => safe(text(record, 'EntryType')) },
          { title: 'Event', cell: (record) => safe(`${text(record, 'EventId')} ${text(record, 'SymbolicName')}`) },
          { title: 'Message', cell: (record) => safe(text(record, 'Message')) },
        ]}
      />
    </section>
  );
}
