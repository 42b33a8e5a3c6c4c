// The laboratory: the clocks of both servers, faults on the path between them, a letter to send, the guided scenarios.

import { useState } from 'preact/hooks';
import type { Api } from './api.ts';
import { text } from './fields.ts';
import { FaultPanel } from './fault-panel.tsx';
import { laboratoryOf } from './laboratory.ts';
import { servers } from './pair.ts';
import { useRunning } from './running.ts';
import { Notice, safe } from './said.tsx';
import { ScenarioPanel } from './scenario-panel.tsx';
import { Steps } from './steps.tsx';
import { texts } from './texts.ts';
import { formatDay } from './times.ts';

const MAX_DAYS = 800;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

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

function ClockPanel({ laboratory }: { readonly laboratory: Api }) {
  const running = useRunning();
  const nowDays = Math.max(0, Math.round(Number(servers.value[0]?.clock.value?.['OffsetMs'] ?? 0) / DAY_MS));
  const [chosen, setChosen] = useState<number | undefined>(undefined);
  const days = chosen ?? nowDays;
  const move = async (): Promise<void> => {
    await running.run(laboratory, 'Set-LabClock', { Offset: `+${days}d` });
    setChosen(undefined);
  };
  return (
    <section class="card" aria-labelledby="clocks-title">
      <h2 id="clocks-title">{texts.lab.clocks}</h2>
      <ul>
        {servers.value.map((server) => (
          <li key={server.name}>
            <strong>{safe(server.name)}</strong> {safe(text(server.clock.value, 'UtcNow'))}{' '}
            {safe(text(server.clock.value, 'Offset'))}
          </li>
        ))}
      </ul>
      <form
        class="lab-part"
        onSubmit={(event) => {
          event.preventDefault();
          void move();
        }}
      >
        <label>
          <span>{texts.lab.scrubber}</span>
          <input
            type="range"
            min={0}
            max={MAX_DAYS}
            step={1}
            value={days}
            disabled={running.isRunning}
            aria-valuetext={texts.lab.days(days)}
            onInput={(event) => setChosen(Number(event.currentTarget.value))}
          />
        </label>
        <output>
          {texts.lab.days(days)}, {formatDay(Date.now() + days * DAY_MS)}
        </output>
        <button type="submit" class="primary" disabled={running.isRunning}>
          {texts.lab.move}
        </button>
      </form>
      <Steps running={running} done={texts.lab.moved} />
    </section>
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
