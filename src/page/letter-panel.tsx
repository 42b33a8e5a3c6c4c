// A letter, or some, to be sent through the pair, from inside or from the world.

import { useState } from 'preact/hooks';
import type { Api } from './api.ts';
import { useRunning } from './running.ts';
import { Steps } from './steps.tsx';
import { texts } from './texts.ts';

export function LetterPanel({ laboratory }: { readonly laboratory: Api }) {
  const running = useRunning();
  const [direction, setDirection] = useState('out');
  const [subject, setSubject] = useState<string>(texts.lab.sampleSubject);
  const [count, setCount] = useState(1);
  return (
    <section class="card" aria-labelledby="letter-title">
      <h2 id="letter-title">{texts.lab.letter}</h2>
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault();
          void running.run(laboratory, 'Send-LabMessage', {
            Direction: direction,
            Subject: subject,
            Count: String(count),
          });
        }}
      >
        <label class="field-long">
          <span>{texts.lab.direction}</span>
          <select value={direction} onChange={(event) => setDirection(event.currentTarget.value)}>
            <option value="out">{texts.lab.out}</option>
            <option value="in">{texts.lab.in}</option>
          </select>
        </label>
        <label>
          <span>{texts.lab.subject}</span>
          <input value={subject} onInput={(event) => setSubject(event.currentTarget.value)} />
        </label>
        <label class="field-short">
          <span>{texts.lab.count}</span>
          <input
            type="number"
            min={1}
            max={500}
            value={count}
            onInput={(event) => setCount(Math.max(1, Math.round(Number(event.currentTarget.value)) || 1))}
          />
        </label>
        <button type="submit" class="primary" disabled={running.isRunning}>
          {texts.lab.send}
        </button>
      </form>
      <Steps running={running} done={texts.lab.sent} />
    </section>
  );
}
