// The stage: outside, Edge, Hub and mailboxes side by side, and the mail between them as it goes.

import { Announcements } from './announcements.tsx';
import { journeys, servers } from './pair.ts';
import { JourneyList } from './journey-list.tsx';
import { LatencyPlot } from './latency-plot.tsx';
import { Picture } from './picture.tsx';
import { RatePlot } from './rate-plot.tsx';
import { Sign } from './signs.tsx';
import { useSlowly } from './slowly.ts';
import { texts } from './texts.ts';
import { TONES } from './tones.ts';

const SHOWN = 40;

export function StageView() {
  const known = useSlowly(journeys);
  const recent = [...known.values()].toSorted((a, b) => b.lastAt - a.lastAt).slice(0, SHOWN);
  return (
    <section aria-labelledby="stage-title" class="stage">
      <h1 id="stage-title" class="hidden">
        {texts.stage.title}
      </h1>
      <Picture />
      <Legend />
      <Announcements />
      <div class="stage-below">
        <section class="card" aria-labelledby="messages-title">
          <h2 id="messages-title">{texts.stage.recent}</h2>
          <JourneyList journeys={recent} />
        </section>
        <div class="plots">
          {servers.value.map((server) => (
            <RatePlot key={server.name} server={server} />
          ))}
          <LatencyPlot />
        </div>
      </div>
    </section>
  );
}

function Legend() {
  return (
    <ul class="legend" aria-label={texts.stage.legend}>
      {TONES.map((tone) => (
        <li key={tone}>
          <Sign tone={tone} />
          {texts.tones[tone]}
        </li>
      ))}
    </ul>
  );
}
