// The picture itself: four places in a row, or one below the other on a narrow screen, and two roads between neighbours.

import { effect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Place } from './journeys.ts';
import { type LaneKey, PLACES } from './lanes.ts';
import { openMessage } from './navigation.ts';
import { moves, serverOf } from './pair.ts';
import { Road } from './road.tsx';
import { ServerLane } from './server-lane.tsx';
import { texts } from './texts.ts';
import { Travellers } from './travellers.ts';

export function Picture() {
  const roads = useRef(new Map<LaneKey, HTMLElement>());
  useEffect(() => {
    const travellers = new Travellers((lane) => roads.current.get(lane), openMessage);
    return effect(() => travellers.send(moves.value));
  }, []);
  const keep = (lane: LaneKey, element: HTMLElement | null): void => {
    if (element) roads.current.set(lane, element);
    else roads.current.delete(lane);
  };
  return (
    <div class="picture" role="group" aria-label={texts.stage.picture}>
      {PLACES.map((place, index) => {
        const next = PLACES[index + 1];
        return (
          <>
            <PlaceOf key={place} place={place} />
            {next && (
              <div key={`${place}>${next}`} class={`roads${place === 'edge' ? ' roads-pair' : ''}`}>
                <Road lane={`${place}>${next}`} keep={keep} />
                <Road lane={`${next}>${place}`} keep={keep} />
              </div>
            )}
          </>
        );
      })}
    </div>
  );
}

function PlaceOf({ place }: { readonly place: Place }) {
  if (place === 'edge' || place === 'hub') return <ServerLane role={place} server={serverOf(place)} />;
  return (
    <div class={`place-end place-${place}`}>
      <svg viewBox="0 0 48 48" aria-hidden="true">
        {place === 'outside' ? (
          <path d="M24 6a18 18 0 1 0 0 36a18 18 0 0 0 0-36M6 24h36M24 6c6 5 8 12 8 18s-2 13-8 18c-6-5-8-12-8-18s2-13 8-18" />
        ) : (
          <path d="M8 14h32v24H8zM8 15l16 13 16-13" />
        )}
      </svg>
      <strong>{texts.places[place]}</strong>
      <span class="quiet">{texts.stage.ends[place]}</span>
    </div>
  );
}
