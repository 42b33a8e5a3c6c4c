// How many messages a second come and go, of one server.

import { Plot, type PlotLine } from './plot.tsx';
import { safe } from './said.tsx';
import type { Server } from './server.ts';
import { texts } from './texts.ts';

const LINES: readonly PlotLine[] = [
  { name: texts.rates.received, colour: 'sealed' },
  { name: texts.rates.sent, colour: 'trusted', isDashed: true },
];

export function RatePlot({ server }: { readonly server: Server }) {
  const samples = server.load.value;
  const last = samples.at(-1);
  return (
    <figure class="card figure">
      <figcaption>
        <h2>
          {safe(server.name)}: {texts.rates.title}
        </h2>
        <p class="quiet">{texts.rates.said(last?.receivedRate ?? 0, last?.sentRate ?? 0)}</p>
      </figcaption>
      <Plot
        label={`${server.name}: ${texts.rates.title}`}
        lines={LINES}
        height={150}
        format={(value) => value.toLocaleString('en-GB')}
        data={[
          samples.map(({ at }) => at / 1000),
          samples.map(({ receivedRate }) => receivedRate),
          samples.map(({ sentRate }) => sentRate),
        ]}
      />
    </figure>
  );
}
