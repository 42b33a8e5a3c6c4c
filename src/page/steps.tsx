// What a cmdlet tells while it runs, step by step, and how it ended.

import type { Running } from './running.ts';
import { Notice, safe } from './said.tsx';
import { texts } from './texts.ts';

const LONGEST = 2000;

export function Steps({ running, done }: { readonly running: Running; readonly done: string }) {
  const { lines, isRunning, isDone, problems, warnings } = running;
  const steps = lines.flatMap((line) => (line.kind === 'progress' ? [line.text] : []));
  return (
    <div aria-live="polite" aria-busy={isRunning}>
      {steps.length > 0 && (
        <ol class="steps">
          {steps.map((text, index) => (
            <li key={index}>{safe(text, LONGEST)}</li>
          ))}
        </ol>
      )}
      {isRunning && <p class="quiet">{texts.lab.running}</p>}
      {!isRunning && isDone && <Notice tone="good">{done}</Notice>}
      {warnings.map((sentence, index) => (
        <Notice key={index} tone="info">
          {safe(sentence, LONGEST)}
        </Notice>
      ))}
      {problems.map((sentence, index) => (
        <Notice key={index} tone="bad">
          {safe(sentence, LONGEST)}
        </Notice>
      ))}
    </div>
  );
}
