// Who has which certificate, and what the other side has on record of it.

import { useCmdlet } from './ask.ts';
import { number, text } from './fields.ts';
import { servers } from './pair.ts';
import { RecordTable } from './record-table.tsx';
import { Code, Notice, safe } from './said.tsx';
import type { Server } from './server.ts';
import { texts } from './texts.ts';

export function TrustView() {
  return (
    <section aria-labelledby="trust-title">
      <h1 id="trust-title">{texts.trust.title}</h1>
      {servers.value.map((server) => (
        <TrustOf key={server.name} server={server} />
      ))}
    </section>
  );
}

function TrustOf({ server }: { readonly server: Server }) {
  const { answer, problem } = useCmdlet(server, 'Get-TrustStatus', {}, 10_000);
  return (
    <section class="card">
      <h2>{safe(server.name)}</h2>
      {problem && <Notice tone="bad">{safe(problem.message)}</Notice>}
      <RecordTable
        label={server.name}
        none={texts.trust.none}
        records={answer?.records ?? []}
        keyOf={(record) => text(record, 'Server') + text(record, 'Thumbprint')}
        columns={[
          { title: 'Server', cell: (record) => safe(text(record, 'Server')) },
          { title: 'State', cell: (record) => safe(text(record, 'State')) },
          { title: 'Days left', isNumber: true, cell: (record) => number(record, 'DaysLeft') },
          { title: 'Thumbprint', cell: (record) => <Code>{text(record, 'Thumbprint')}</Code> },
        ]}
      />
    </section>
  );
}
