// A guided scenario as it was told: what it is about, its steps, and the picture of each letter beside the explanation.

import type { ApiRecord, Line } from './api.ts';
import { text } from './fields.ts';
import { judgeLines, recordOf } from './running.ts';
import { asSentence, Notice, safe } from './said.tsx';
import { Sign } from './signs.tsx';
import { texts } from './texts.ts';
import { type Channel, type Tone, toneOf } from './tones.ts';

const LONGEST = 4000;

interface ScenarioToldProps {
  readonly about: readonly string[];
  readonly lines: readonly Line[];
  readonly isRunning: boolean;
}

export function ScenarioTold({ about, lines, isRunning }: ScenarioToldProps) {
  const told = lines.map(recordOf).filter((record) => record !== undefined);
  const { isDone, problems } = judgeLines(lines);
  return (
    <>
      <div class="scenario-about">
        {about.map((paragraph) => (
          <p key={paragraph}>{safe(paragraph, LONGEST)}</p>
        ))}
      </div>
      <ol class="scenario" aria-live="polite" aria-busy={isRunning}>
        {told.map((record, index) => (
          <Told key={index} record={record} />
        ))}
      </ol>
      {isRunning && <p class="quiet">{texts.lab.running}</p>}
      {isDone && <Notice tone="good">{texts.lab.asTold}</Notice>}
      {problems.map((sentence, index) => (
        <Notice key={index} tone="bad">
          {safe(sentence, LONGEST)}
        </Notice>
      ))}
    </>
  );
}

function Told({ record }: { readonly record: ApiRecord }) {
  switch (text(record, 'Kind')) {
    case 'step':
      return <li class="told-step">{safe(text(record, 'Tells'), LONGEST)}</li>;
    case 'fact':
      return <li class="told-fact">{safe(text(record, 'Says'), LONGEST)}</li>;
    case 'letter':
      return <Letter record={record} />;
    default:
      return null;
  }
}

/** The hop between the two servers, as it went. */
function Letter({ record }: { readonly record: ApiRecord }) {
  const tone = toneOfLetter(record);
  const [from, to] =
    text(record, 'Direction') === 'out' ? [texts.places.hub, texts.places.edge] : [texts.places.edge, texts.places.hub];
  return (
    <li class={`told-letter tone-${tone}`}>
      <span>{from}</span>
      <Sign tone={tone} label={texts.tones[tone]} />
      <span>{to}</span>
      <span>
        “{safe(text(record, 'Letter'))}” {safe(text(record, 'Becomes'))}.{' '}
        {asSentence(safe(text(record, 'Explanation'), LONGEST))}
      </span>
    </li>
  );
}

function toneOfLetter(record: ApiRecord): Tone {
  const channels: Record<string, Channel> = { encrypted: 'tls', 'in clear': 'plaintext' };
  return toneOf(channels[text(record, 'Becomes')] ?? 'none', text(record, 'Reason'));
}
