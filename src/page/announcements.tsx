// What changes, said to those who do not see the picture: a road that goes otherwise than before, mail that begins to wait.
// At most once in a few seconds, since a voice takes time.

import { effect } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import type { Place } from './journeys.ts';
import { changedLanes, type Lanes } from './lanes.ts';
import { lanes } from './pair.ts';
import { say, texts } from './texts.ts';

const EVERY_MS = 4000;

export function Announcements() {
  const [said, setSaid] = useState('');
  useEffect(() => {
    let told: Lanes = lanes.peek();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tell = (): void => {
      timer = undefined;
      const now = lanes.peek();
      const sentences = changedLanes(told, now).map((key) => {
        const [from, to] = key.split('>') as [Place, Place];
        const last = now.get(key)?.last;
        return last
          ? say(texts.stage.nowGoes, {
              from: texts.places[from],
              to: texts.places[to],
              tone: texts.tones[last.tone],
              reason: last.reason,
            })
          : '';
      });
      told = now;
      if (sentences.length > 0) setSaid(sentences.join(' '));
    };
    const stop = effect(() => {
      if (lanes.value !== told) timer ??= setTimeout(tell, EVERY_MS);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, []);
  return (
    <p class="hidden" role="status">
      {said}
    </p>
  );
}
