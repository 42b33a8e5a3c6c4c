// Hands out what the page holds now, or a scenario that was played, as one file that plays by itself.

import { useState } from 'preact/hooks';
import { asProblem } from './ask.ts';
import { exportFile } from './export.ts';
import type { RecordedScenario } from './recording.ts';
import { Notice, safe } from './said.tsx';
import { texts } from './texts.ts';

export function ExportButton({ label, scenario }: { readonly label: string; readonly scenario?: RecordedScenario }) {
  const [isRunning, setIsRunning] = useState(false);
  const [problem, setProblem] = useState('');
  const run = async (): Promise<void> => {
    setIsRunning(true);
    setProblem('');
    try {
      await exportFile(scenario);
    } catch (error) {
      setProblem(asProblem(error).message);
    }
    setIsRunning(false);
  };
  return (
    <>
      <button type="button" class="plain" disabled={isRunning} title={texts.export.about} onClick={() => void run()}>
        {isRunning ? texts.export.running : label}
      </button>
      {problem !== '' && <Notice tone="bad">{safe(problem)}</Notice>}
    </>
  );
}
