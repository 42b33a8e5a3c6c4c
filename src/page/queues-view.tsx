// What waits, where, and why.

import { number, records, text } from './fields.ts';
import { servers } from './pair.ts';
import { RecordTable } from './record-table.tsx';
import { safe } from './said.tsx';
import type { Server } from './server.ts';
import { texts } from './texts.ts';

export function QueuesView() {
  return (
    <section aria-labelledby="queues-title">
      <h1 id="queues-title">{texts.queues.title}</h1>
      {servers.value.map((server) => (
        <QueuesOf key={server.name} server={server} />
      ))}
    </section>
  );
}

function QueuesOf({ server }: { readonly server: Server }) {
  return (
    <section class="card">
      <h2>{safe(server.name)}</h2>
      <RecordTable
        label={server.name}
        none={texts.queues.none}
        records={records(server.queues.value, 'Queues')}
        keyOf={(record) => text(record, 'Identity')}
        columns={[
          { title: 'Queue', cell: (record) => safe(text(record, 'Identity')) },
          { title: 'To', cell: (record) => safe(text(record, 'NextHopDomain')) },
          { title: 'Status', cell: (record) => safe(text(record, 'Status')) },
          { title: 'Messages', isNumber: true, cell: (record) => number(record, 'MessageCount') },
          { title: 'Why', cell: (record) => safe(text(record, 'LastError')) },
        ]}
      />
    </section>
  );
}
