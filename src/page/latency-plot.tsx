// How long messages take through both servers: from the first that took them to where they were handed on for good.

import { latencies } from './pair.ts';
import { Plot, type PlotLine } from './plot.tsx';
import { quantile } from './latency.ts';
import { useSlowly } from './slowly.ts';
import { say, texts } from './texts.ts';
import { formatSpan } from './times.ts';

const LINES: readonly PlotLine[] = [{ name: texts.latency.each, colour: 'accent' }];

export function LatencyPlot() {
  const samples = useSlowly(latencies);
  const spans = samples.map(({ tookMs }) => tookMs);
  const said =
    samples.length === 0
      ? texts.latency.none
      : say(texts.latency.said, {
          number: samples.length,
          median: formatSpan(quantile(spans, 0.5)),
          most: formatSpan(quantile(spans, 0.95)),
        });
  return (
    <figure class="card figure">
      <figcaption>
        <h2>{texts.latency.title}</h2>
        <p class="quiet">{said}</p>
      </figcaption>
      <Plot
        label={`${texts.latency.title}: ${said}`}
        lines={LINES}
        height={150}
        format={(value) => formatSpan(value * 1000)}
        data={[samples.map(({ at }) => at / 1000), samples.map(({ tookMs }) => tookMs / 1000)]}
      />
    </figure>
  );
}
