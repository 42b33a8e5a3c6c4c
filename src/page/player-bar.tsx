// What an exported file is played with: play and pause, the moment, the next message, the speed.

import { SPEEDS, nextMoment } from './playback.ts';
import { isPlaying, pause, play, position, recording, seek, speed } from './player.ts';
import { say, texts } from './texts.ts';
import { formatMoment } from './times.ts';

const words = texts.player;
const STEP_MS = 100;

export function PlayerBar() {
  const shown = recording.value;
  if (shown === undefined) return null;
  const next = nextMoment(shown, position.value);
  return (
    <section class="player" aria-label={words.label}>
      <button type="button" class="primary" onClick={() => (isPlaying.value ? pause() : play())}>
        {isPlaying.value ? words.pause : words.play}
      </button>
      <button type="button" disabled={next === undefined} onClick={() => next !== undefined && seek(next)}>
        {words.next}
      </button>
      <label class="player-moment">
        <span class="hidden">{words.moment}</span>
        <input
          type="range"
          min={0}
          max={Math.max(STEP_MS, shown.until - shown.from)}
          step="any"
          value={position.value - shown.from}
          aria-valuetext={formatMoment(position.value)}
          onInput={(event) => seek(shown.from + Number(event.currentTarget.value))}
        />
      </label>
      <time>{formatMoment(position.value)}</time>
      <label>
        <span class="hidden">{words.speed}</span>
        <select
          value={speed.value}
          onChange={(event) => {
            speed.value = SPEEDS.find((each) => String(each) === event.currentTarget.value) ?? 1;
          }}
        >
          {SPEEDS.map((each) => (
            <option key={each} value={each}>
              {say(words.times, { speed: each })}
            </option>
          ))}
        </select>
      </label>
      <p class="quiet">{say(words.about, { until: formatMoment(shown.until) })}</p>
    </section>
  );
}
