// How many messages a second come and go, of one server.

import { useMemo } from 'preact/hooks';
import { Plot, type PlotLine } from './plot.tsx';
import { untilNow } from './rates.ts';
import { safe } from './said.tsx';
import type { Server } from './server.ts';
import { say, texts } from './texts.ts';
import { useTicking } from './ticking.ts';

const LINES: readonly PlotLine[] = [
  { name: texts.rates.received, colour: 'sealed' },
  { name: texts.rates.sent, colour: 'trusted', isDashed: true },
];

export function RatePlot({ server }: { readonly server: Server }) {
  const now = useTicking(() => server.wallNow());
  const known = server.load.value;
  const samples = useMemo(() => untilNow(known, now), [known, now]);
  const last = samples.at(-1);
  return (
    <figure class="card figure">
      <figcaption>
        <h2>
          {safe(server.name)}: {texts.rates.title}
        </h2>
        <p class="quiet">
          {say(texts.rates.said, {
            received: (last?.receivedRate ?? 0).toFixed(1),
            sent: (last?.sentRate ?? 0).toFixed(1),
          })}
        </p>
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
