// Messages as a list: the same as the picture says, for everybody, and where one is chosen to see its trail.

import type { Journey, Step } from './journeys.ts';
import { route, openMessage } from './navigation.ts';
import { fromTo, safe, safeSubject } from './said.tsx';
import { Sign } from './signs.tsx';
import { texts } from './texts.ts';
import { formatClock } from './times.ts';

export function JourneyList({ journeys }: { readonly journeys: readonly Journey[] }) {
  if (journeys.length === 0) return <p class="quiet">{texts.stage.none}</p>;
  return (
    <ol class="journeys">
      {journeys.map((journey) => (
        <li key={journey.id}>
          <Row journey={journey} isOpen={route.value.message === journey.id} />
        </li>
      ))}
    </ol>
  );
}

function Row({ journey, isOpen }: { readonly journey: Journey; readonly isOpen: boolean }) {
  const { subject, sender, recipients, lastAt, state } = journey;
  const last = journey.steps.at(-1);
  return (
    <button
      type="button"
      class={`journey state-${state}`}
      aria-pressed={isOpen}
      onClick={() => openMessage(isOpen ? undefined : journey.id)}
    >
      <span class="journey-time">{formatClock(lastAt).slice(0, 8)}</span>
      <span class="journey-main">
        <span class="journey-subject">{safeSubject(subject, 120)}</span>
        <span class="journey-who">{fromTo(sender, recipients, 120)}</span>
      </span>
      <Way steps={journey.steps} />
      <span class="journey-state">
        {texts.states[state]}
        {(state === 'waiting' || state === 'failed') && last && last.detail !== '' && (
          <span class="why">{safe(last.detail, 90)}</span>
        )}
      </span>
    </button>
  );
}

/** "Outside (open lock) Edge (closed lock) Hub" */
function Way({ steps }: { readonly steps: readonly Step[] }) {
  const moved = steps.filter(({ kind }) => kind === 'moved').slice(-5);
  const last = steps.at(-1);
  const isStuck = last?.kind === 'waits' || last?.kind === 'failed';
  return (
    <span class="way">
      {moved.map((step, index) => (
        <span key={`${step.from}${step.to}${step.at}`} class="way-step">
          {(index === 0 || moved[index - 1]?.to !== step.from) && (
            <span class="way-place">{texts.places[step.from]}</span>
          )}
          <Sign tone={step.tone} label={`${texts.tones[step.tone]}, ${step.reason}`} />
          <span class="way-place">{texts.places[step.to]}</span>
        </span>
      ))}
      {isStuck && (
        <span class="way-step">
          {moved.length === 0 && <span class="way-place">{texts.places[last.from]}</span>}
          <Sign tone={last.tone} label={`${texts.tones[last.tone]}, ${last.reason}`} />
        </span>
      )}
    </span>
  );
}
