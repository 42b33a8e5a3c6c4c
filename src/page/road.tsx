// One direction between two neighbours: how the last message went, and those that are on their way.

import { isForth, type LaneKey } from './lanes.ts';
import { lanes, servers } from './pair.ts';
import { safe } from './said.tsx';
import { Sign } from './signs.tsx';
import { useSlowly } from './slowly.ts';
import { say, texts } from './texts.ts';
import type { Place } from './journeys.ts';

interface RoadProps {
  readonly lane: LaneKey;
  readonly keep: (lane: LaneKey, element: HTMLElement | null) => void;
}

export function Road({ lane, keep }: RoadProps) {
  const known = useSlowly(lanes).get(lane);
  const [from, to] = lane.split('>') as [Place, Place];
  const tone = known?.last.tone;
  const isSample = servers.value.some(({ skipped }) => skipped.value > 0);
  return (
    <div class={`road road-${isForth(lane) ? 'forth' : 'back'}${tone === undefined ? '' : ` tone-${tone}`}`}>
      <div class="track" ref={(element) => keep(lane, element)}>
        <svg class="line" aria-hidden="true">
          <line x1="0" y1="50%" x2="100%" y2="50%" />
        </svg>
        <span class="tip" aria-hidden="true" />
      </div>
      <p class="road-says">
        <span class="hidden">{say(texts.stage.road, { from: texts.places[from], to: texts.places[to] })}</span>
        {known === undefined ? (
          <span class="quiet">{texts.stage.nothingYet}</span>
        ) : (
          <>
            <Sign tone={known.last.tone} label={texts.tones[known.last.tone]} />
            <span>
              <span class="road-reason">
                {known.last.reason === '' ? texts.channels.none : safe(known.last.reason)}
              </span>{' '}
              <span class="road-count">
                {known.count.toLocaleString('en-GB')}
                {isSample && '+'}
                <span class="hidden"> {isSample ? texts.stage.passedAtLeast : texts.stage.passed}</span>
              </span>
            </span>
          </>
        )}
      </p>
    </div>
  );
}
