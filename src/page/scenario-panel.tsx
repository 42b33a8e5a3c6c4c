// The guided scenarios: what each tells, and one played on a pair of its own with the picture of each letter beside the explanation.

import { useEffect, useState } from 'preact/hooks';
import type { Api, ApiRecord } from './api.ts';
import { text, texts as listOf } from './fields.ts';
import { recordOf, useRunning } from './running.ts';
import { Notice, safe } from './said.tsx';
import { Sign } from './signs.tsx';
import { texts } from './texts.ts';
import { type Channel, type Tone, toneOf } from './tones.ts';

const LONGEST = 4000;

export function ScenarioPanel({ laboratory }: { readonly laboratory: Api }) {
  const [scenarios, setScenarios] = useState<readonly ApiRecord[]>([]);
  const [name, setName] = useState('');
  const running = useRunning();
  useEffect(() => {
    const ask = async (): Promise<void> => {
      const { records: found } = await laboratory.call('Get-LabScenario');
      setScenarios(found);
      setName((last) => (last === '' ? text(found[0], 'Name') : last));
    };
    ask().catch(() => setScenarios([]));
  }, [laboratory]);
  const scenario = scenarios.find((each) => text(each, 'Name') === name);
  const told = running.lines.map(recordOf).filter((record) => record !== undefined);
  return (
    <section class="card" aria-labelledby="scenarios-title">
      <h2 id="scenarios-title">{texts.lab.scenarios}</h2>
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault();
          void running.run(laboratory, 'Start-LabScenario', { Name: name });
        }}
      >
        <label>
          <span>{texts.lab.scenario}</span>
          <select value={name} disabled={running.isRunning} onChange={(event) => setName(event.currentTarget.value)}>
            {scenarios.map((each) => (
              <option key={text(each, 'Name')} value={text(each, 'Name')}>
                {safe(text(each, 'Title'))}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" class="primary" disabled={running.isRunning || scenario === undefined}>
          {texts.lab.play}
        </button>
      </form>
      {listOf(scenario, 'About').map((paragraph) => (
        <p key={paragraph}>{safe(paragraph, LONGEST)}</p>
      ))}
      <ol class="scenario" aria-live="polite" aria-busy={running.isRunning}>
        {told.map((record, index) => (
          <Told key={index} record={record} />
        ))}
      </ol>
      {running.isRunning && <p class="quiet">{texts.lab.running}</p>}
      {running.isDone && <Notice tone="good">{texts.lab.asTold}</Notice>}
      {running.problems.map((sentence, index) => (
        <Notice key={index} tone="bad">
          {safe(sentence, LONGEST)}
        </Notice>
      ))}
    </section>
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
        “{safe(text(record, 'Letter'))}” {safe(text(record, 'Becomes'))}. {safe(text(record, 'Explanation'), LONGEST)}
      </span>
    </li>
  );
}

function toneOfLetter(record: ApiRecord): Tone {
  const channels: Record<string, Channel> = { encrypted: 'tls', 'in clear': 'plaintext' };
  return toneOf(channels[text(record, 'Becomes')] ?? 'none', text(record, 'Reason'));
}
