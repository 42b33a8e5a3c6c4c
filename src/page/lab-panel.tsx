// What a laboratory can do with its servers: their clocks.

import { text } from './fields.ts';
import { servers } from './pair.ts';
import { safe } from './said.tsx';
import { texts } from './texts.ts';

export function LabPanel() {
  return (
    <section class="card" aria-labelledby="clocks-title">
      <h2 id="clocks-title">{texts.lab.clocks}</h2>
      <ul>
        {servers.value.map((server) => (
          <li key={server.name}>
            <strong>{safe(server.name)}</strong> {safe(text(server.clock.value, 'UtcNow'))}{' '}
            {safe(text(server.clock.value, 'Offset'))}
          </li>
        ))}
      </ul>
    </section>
  );
}
