// Message tracking, searched on the servers.

import { useState } from 'preact/hooks';
import type { Parameters } from './api.ts';
import { useCmdlet } from './ask.ts';
import { text, texts as textsOf } from './fields.ts';
import { servers } from './pair.ts';
import { RecordTable } from './record-table.tsx';
import { Notice, safe } from './said.tsx';
import type { Server } from './server.ts';
import { texts } from './texts.ts';

export function TrackingView() {
  const [wanted, setWanted] = useState<Parameters>({});
  const search = (form: HTMLFormElement): void => {
    const fields = [...new FormData(form)].filter(([, value]) => typeof value === 'string' && value !== '');
    setWanted(Object.fromEntries(fields) as Parameters);
  };
  return (
    <section aria-labelledby="tracking-title">
      <h1 id="tracking-title">{texts.tracking.title}</h1>
      <form
        class="filters"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          search(event.currentTarget);
        }}
      >
        <label>
          <span>{texts.tracking.sender}</span>
          <input name="Sender" autoComplete="off" />
        </label>
        <label>
          <span>{texts.tracking.recipient}</span>
          <input name="Recipients" autoComplete="off" />
        </label>
        <label>
          <span>{texts.tracking.subject}</span>
          <input name="MessageSubject" autoComplete="off" />
        </label>
        <button type="submit" class="primary">
          {texts.tracking.search}
        </button>
      </form>
      {servers.value.map((server) => (
        <Found key={server.name} server={server} wanted={wanted} />
      ))}
    </section>
  );
}

function Found({ server, wanted }: { readonly server: Server; readonly wanted: Parameters }) {
  const { answer, problem } = useCmdlet(server, 'Get-MessageTrackingLog', { ...wanted, ResultSize: 100 });
  return (
    <section class="card">
      <h2>{safe(server.name)}</h2>
      {problem && <Notice tone="bad">{safe(problem.message)}</Notice>}
      <RecordTable
        label={server.name}
        none={texts.tracking.none}
        records={answer?.records ?? []}
        keyOf={(_record, index) => String(index)}
        columns={[
          { title: 'Time', cell: (record) => safe(text(record, 'Timestamp')) },
          { title: 'Event', cell: (record) => safe(text(record, 'EventId')) },
          { title: 'From', cell: (record) => safe(text(record, 'Sender')) },
          { title: 'To', cell: (record) => safe(textsOf(record, 'Recipients').join(', ')) },
          { title: 'Subject', cell: (record) => safe(text(record, 'MessageSubject')) },
        ]}
      />
    </section>
  );
}
