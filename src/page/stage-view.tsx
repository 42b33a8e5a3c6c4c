// The stage: where mail is on its way.

import { journeys, servers } from './pair.ts';
import { RatePlot } from './rate-plot.tsx';
import { openMessage } from './navigation.ts';
import { safe } from './said.tsx';
import { texts } from './texts.ts';
import { formatClock } from './times.ts';

export function StageView() {
  const recent = [...journeys.value.values()].slice(-30).toReversed();
  return (
    <section aria-labelledby="stage-title">
      <h1 id="stage-title">{texts.stage.title}</h1>
      <h2>{texts.stage.recent}</h2>
      {recent.length === 0 && <p class="quiet">{texts.stage.none}</p>}
      <ol class="journeys">
        {recent.map((journey) => (
          <li key={journey.id}>
            <button type="button" class="journey" onClick={() => openMessage(journey.id)}>
              <strong>{safe(journey.subject, 120)}</strong> {texts.states[journey.state]} {formatClock(journey.lastAt)}
            </button>
          </li>
        ))}
      </ol>
      {servers.value.map((server) => (
        <RatePlot key={server.name} server={server} />
      ))}
    </section>
  );
}
