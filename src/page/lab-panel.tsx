// The laboratory: its clocks, faults on the path between the servers, a letter to send, the guided scenarios.

import { useState } from 'preact/hooks';
import type { Api } from './api.ts';
import { ClockPanel } from './clock-panel.tsx';
import { FaultPanel } from './fault-panel.tsx';
import { laboratoryOf } from './laboratory.ts';
import { useRunning } from './running.ts';
import { Notice } from './said.tsx';
import { ScenarioPanel } from './scenario-panel.tsx';
import { Steps } from './steps.tsx';
import { texts } from './texts.ts';

export function LabPanel() {
  const laboratory = laboratoryOf();
  if (!laboratory) return <Notice tone="info">{texts.lab.noDoor}</Notice>;
  return (
    <>
      <ClockPanel laboratory={laboratory} />
      <LetterPanel laboratory={laboratory} />
      <FaultPanel laboratory={laboratory} />
      <ScenarioPanel laboratory={laboratory} />
    </>
  );
}

function LetterPanel({ laboratory }: { readonly laboratory: Api }) {
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
        <label>
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
        <label>
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
