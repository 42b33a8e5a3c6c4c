// The clocks of the laboratory: moved together by a slider, and run as fast as somebody likes.

import { useState } from 'preact/hooks';
import type { Api } from './api.ts';
import { number, text } from './fields.ts';
import { servers } from './pair.ts';
import { useRunning } from './running.ts';
import { safe } from './said.tsx';
import type { Server } from './server.ts';
import { Steps } from './steps.tsx';
import { say, texts } from './texts.ts';
import { useTicking } from './ticking.ts';
import { formatDay, formatMoment } from './times.ts';

const words = texts.lab.clock;
const MAX_DAYS = 800;
const DAY_MS = 86_400_000;
/** Times as fast as the machine's clock. */
const SPEEDS = [0, 1, 60, 3600, 86_400];
const SAID: Readonly<Record<string, string>> = words.speeds;

export function ClockPanel({ laboratory }: { readonly laboratory: Api }) {
  const running = useRunning();
  const [first] = servers.value;
  const [chosenDays, chooseDays] = useState<number | undefined>(undefined);
  const [chosenSpeed, chooseSpeed] = useState<number | undefined>(undefined);
  const days = chosenDays ?? Math.max(0, Math.round(number(first?.clock.value, 'OffsetMs') / DAY_MS));
  const speed = chosenSpeed ?? speedOf(first);
  const move = async (): Promise<void> => {
    // Where nobody touched the slider the clocks stay where they have come to.
    const Offset = chosenDays === undefined && chosenSpeed !== undefined ? undefined : `+${days}d`;
    await running.run(laboratory, 'Set-LabClock', { Offset, Speed: chosenSpeed });
    chooseDays(undefined);
    chooseSpeed(undefined);
  };
  return (
    <section class="card" aria-labelledby="clocks-title">
      <h2 id="clocks-title">{words.title}</h2>
      <ul>
        {servers.value.map((server) => (
          <ClockOf key={server.name} server={server} />
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
          <span>{words.scrubber}</span>
          <input
            type="range"
            min={0}
            max={MAX_DAYS}
            step={1}
            value={days}
            disabled={running.isRunning}
            aria-valuetext={say(words.days, { number: days })}
            onInput={(event) => chooseDays(Number(event.currentTarget.value))}
          />
        </label>
        <output>
          {say(words.days, { number: days })}, {formatDay(Date.now() + days * DAY_MS)}
        </output>
        <label>
          <span>{words.speed}</span>
          <select
            value={speed}
            disabled={running.isRunning}
            onChange={(event) => chooseSpeed(Number(event.currentTarget.value))}
          >
            {[...new Set([...SPEEDS, speed])].map((each) => (
              <option key={each} value={each}>
                {describeSpeed(each)}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" class="primary" disabled={running.isRunning}>
          {words.move}
        </button>
      </form>
      <Steps running={running} done={words.moved} />
    </section>
  );
}

function ClockOf({ server }: { readonly server: Server }) {
  const now = useTicking(() => server.now());
  return (
    <li class="lab-clock">
      <strong>{safe(server.name)}</strong> <time>{formatMoment(now)}</time>{' '}
      <span class="moved">{safe(text(server.clock.value, 'Offset'))}</span>{' '}
      {speedOf(server) !== 1 && describeSpeed(speedOf(server))}
    </li>
  );
}

/** As the server says, 1 until it does. */
function speedOf(server: Server | undefined): number {
  return Number(server?.clock.value?.['Speed'] ?? 1);
}

function describeSpeed(speed: number): string {
  return SAID[speed] ?? say(words.otherSpeed, { speed });
}
